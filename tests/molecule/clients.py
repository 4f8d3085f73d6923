# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the fleet's servers as its clients do, for some seconds or while a command runs.

``python -m tests.molecule.clients [--seconds N] [--server NAME]… EDGE… [-- COMMAND…]``: an edge is a URL
without path; without names all servers are called. Ends with the command's exit code, or with 1 when a client
had a request that failed, or lost its session or its stream; with an exception when a server did not answer
at all. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from tests.bench.rollout.fleet import SERVERS
from tests.load.control import Load
from tests.load.options import Options, Target


def targets(edges: list[str], names: list[str]) -> tuple[Target, ...]:
    """The servers of these names at every edge."""
    return tuple(
        Target(f"{edge}/{server.name}", f"{edge}/{server.name}", server.eras, streaming=server.streaming)
        for edge in edges
        for server in SERVERS
        if server.name in names
    )


def served(report: dict[str, Any]) -> bool:
    """Whether every target answered each of its eras."""
    return all(
        era["requests"] for target in report["by_target"].values() for era in target["by_era"].values()
    )


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.molecule.clients")
    parser.add_argument("--seconds", type=float, default=1.0)
    known = [server.name for server in SERVERS]
    parser.add_argument("--server", action="append", choices=known, dest="servers", metavar="NAME")
    parser.add_argument("edges", nargs="+", metavar="EDGE")
    arguments, command = _split(sys.argv[1:])
    given = parser.parse_args(arguments)
    options = Options(
        targets(given.edges, given.servers or known),
        legacy=2,
        modern=2,
        streams=1,
        think=0.3,
        session_seconds=2,
        stream_seconds=2,
    )
    code = 0
    with Load.start(options) as load:
        load.until(served)
        if command:
            code = subprocess.run(command, check=False).returncode
        time.sleep(given.seconds)
        report = load.stop()
    seen = {
        "requests": report["requests"],
        "failed": report["failed"],
        "sessions": report["sessions"]["opened"],
        "sessions_lost": report["sessions"]["lost"],
        "streams_cut": report["streams"]["cut"],
        "first_failures": report["first_failures"][:5],
    }
    print(json.dumps(seen))
    noticed = seen["failed"] or seen["sessions_lost"] or seen["streams_cut"]
    return code or int(bool(noticed))


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """What is ours, and the command after ``--``."""
    at = argv.index("--") if "--" in argv else len(argv)
    return argv[:at], argv[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
