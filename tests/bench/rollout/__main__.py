# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Six lab hosts behind a tier of edges, clients of both eras, a whole rollout and a whole rollback.

``python -m tests.bench.rollout --hosts 6``; the last line is JSON. Needs root, for the lab.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.lab.command import LabError
from tests.lab.lab import ROOT, Lab
from tests.load.control import Load
from tests.load.options import Options, Target
from tests.support.command import execute

from .fleet import NEWER, SERVERS, Fleet, Run
from .usual import Usual

WORK = ROOT.parent / "bench" / "rollout"


def options(targets: list[Target]) -> Options:
    """Clients of both eras, sessions of some seconds, event streams where the server has them."""
    return Options(
        targets=tuple(targets), legacy=4, modern=4, streams=2, think=0.2, session_seconds=3, stream_seconds=3
    )


def ours(fleet: Fleet, hosts: int) -> dict[str, Any]:
    """Deploy, then update and go back under load."""
    print("deploying", flush=True)
    fleet.run("site", mcp_update_waves=["100%"]).succeeded()
    targets = [
        Target(server.name, fleet.url(server.name), server.eras, streaming=server.streaming)
        for server in SERVERS
    ]
    with Load.start(options(targets)) as load:
        load.until(lambda report: report["requests"] > 100)
        update = _tell("rollout", fleet.run("update", "-vvv", **NEWER))
        nothing = _tell("nothing to do", fleet.run("update", "-vvv", **NEWER))
        rollback = _tell("rollback", fleet.run("rollback", "-vvv"))
        time.sleep(1)
        report = load.stop()
    for first in report["first_failures"]:
        print(f"failure: {first}")
    share = hosts * len(SERVERS)
    return {
        **_seen(report),
        "rollout_s": round(update.seconds, 1),
        "rollback_s": round(rollback.seconds, 1),
        "module_calls_per_host": update.module_calls / share,
        "module_calls_per_host_nothing_to_do": nothing.module_calls / share,
        "latency_ms_p99": report["latency_ms"]["p99"],
    }


def usual(way: Usual) -> dict[str, Any]:
    """The same load over a playbook of a few lines: install in place, restart, wait, one host at a time."""
    print("the usual way: deploying", flush=True)
    way.deploy()
    server = SERVERS[0]
    with Load.start(options([Target(server.name, way.url, server.eras)])) as load:
        load.until(lambda report: report["requests"] > 50)
        run = _tell("the usual rollout", way.update())
        time.sleep(1)
        report = load.stop()
    return {**_seen(report), "rollout_s": round(run.seconds, 1)}


def _seen(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "requests": report["requests"],
        "failed": report["failed"],
        "sessions": report["sessions"]["opened"],
        "sessions_lost": report["sessions"]["lost"],
        "streams": report["streams"]["opened"],
        "streams_cut": report["streams"]["cut"],
    }


def _tell(what: str, run: Run) -> Run:
    print(f"{what}: {run.seconds:.1f} s", flush=True)
    return run.succeeded()


def main() -> int:
    """Measure, and print one line of JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=6)
    arguments = parser.parse_args()
    inventory = WORK / "inventory" / "hosts.yml"
    lab = Lab(Path(f"{ROOT}-bench"), "mcpbench", inventory, lambda line: print(f"── {line}", flush=True))
    try:
        lab.up(arguments.hosts, 1)
        fleet = Fleet(inventory, lab.hosts()["edge1"].address)
        figures = ours(fleet, arguments.hosts)
        figures["usual"] = usual(Usual(fleet))
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        lab.down()
    print(json.dumps({"hosts": arguments.hosts, **figures}))
    return 0


if __name__ == "__main__":
    execute(main)
