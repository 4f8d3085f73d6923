# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.fault.crashes``: kills at every act, and ends with a line of JSON.

Each worker has a node of its own under load. ``--every 7`` takes each seventh act.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.load.control import ROOT, Load
from tests.load.options import Options, Target
from tests.support.node import Node
from tests.support.wheels import environment, make_wheels

from .enumerate import OLD, OPERATIONS, Findings, acts, kill_at, shares
from .place import Place

CACHE = ROOT / ".work" / "fault" / "cache"


def load(place: Place) -> Options:
    """Clients of both eras with state in their sessions, and event streams."""
    target = Target("box", place.node.url("box"), ("legacy", "modern"), stateful=True)
    return Options(
        targets=(target,), legacy=2, modern=2, streams=1, think=0.1, session_seconds=0.5, stream_seconds=0.5
    )


class Worker:
    """A node under load, and what was found on it."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder / str(number)
        self.findings = Findings()
        self.failures = 0

    def work(self, chosen: Callable[[str, int], range], told: Callable[[str], None]) -> None:
        """Kill at the acts that are this worker's."""
        node = Node(self._folder, CACHE)
        with node:
            place = Place(node)
            place.run("present", "box", OLD)
            with Load.start(load(place)) as running:
                running.until(lambda report: report["requests"] > 50)
                for operation in OPERATIONS:
                    count = acts(place, operation)
                    mine = chosen(operation.name, count)
                    for done, at in enumerate(mine):
                        kill_at(place, operation, at, self.findings)
                        if done % 10 == 9 or done == len(mine) - 1:
                            told(f"{operation.name}: {done + 1} of {len(mine)} points")
                report = running.stop()
        self.failures = report["failed"] + report["sessions"]["lost"] + report["streams"]["cut"]
        for first in report["first_failures"]:
            print(f"  client: {first}", flush=True)


def main() -> int:
    """Enumerate, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take each so-many-th act")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mcp-"))
    make_wheels(folder / "wheels")
    os.environ.update(environment(folder / "wheels"))
    workers = [Worker(folder, number) for number in range(options.workers)]
    say = threading.Lock()

    def start(number: int) -> None:
        def told(line: str) -> None:
            with say:
                print(f"[{number}] {line}", flush=True)

        def chosen(_name: str, count: int) -> range:
            return list(shares(range(1, count + 1, options.every), options.workers))[number]

        workers[number].work(chosen, told)

    try:
        with ThreadPoolExecutor(options.workers) as pool:
            list(pool.map(start, range(options.workers)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = [worker.findings for worker in workers]
    figures = {
        "crash_points": sum(each.points for each in found),
        "recovered": sum(each.recovered for each in found),
        "worst_recovery_s": round(max(each.worst for each in found), 2),
        "invariant_violations": sum(len(each.violations) for each in found),
        "client_failures": sum(worker.failures for worker in workers),
    }
    print(json.dumps(figures))
    return 0 if figures["recovered"] == figures["crash_points"] and not figures["client_failures"] else 1


if __name__ == "__main__":
    sys.exit(main())
