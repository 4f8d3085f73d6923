# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.lab up --hosts 6`, `down`, `status`; `cut`, `isolate`, `mend`, `kill`, `start` NAME"""

from __future__ import annotations

import argparse
import sys

from tests.support.command import execute

from .command import LabError
from .lab import Lab

_UNUSABLE = 2


def _say(line: str) -> None:
    print(f"── {line}", flush=True)


def _status(lab: Lab) -> None:
    for host in lab.hosts().values():
        state = "off" if not host.runs() else "cut off" if host.network.is_cut(host.name) else "on"
        print(f"{host.name:8} {host.address:15} {state}")


def main() -> int:
    """Do what the command line says; 2 when the machine cannot."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="Real Linux hosts on one machine."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="make it that many hosts, all of them up")
    up.add_argument("--hosts", type=int, default=6)
    up.add_argument("--edges", type=int, default=0)
    verbs.add_parser("down", help="take all of it away")
    verbs.add_parser("status", help="name, address and state of each host")
    for verb, what in (
        ("cut", "take a host off the network"),
        ("isolate", "take its way out of the lab"),
        ("mend", "put it back, with its way out"),
        ("kill", "power loss"),
        ("start", "power on"),
    ):
        verbs.add_parser(verb, help=what).add_argument("name")
    arguments = parser.parse_args()
    lab = Lab.of_environment(_say)
    try:
        if arguments.verb == "up":
            lab.up(arguments.hosts, arguments.edges)
        elif arguments.verb == "down":
            lab.down()
        elif arguments.verb == "status":
            _status(lab)
        else:
            getattr(lab, arguments.verb)(arguments.name)
    except (LabError, PermissionError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return _UNUSABLE
    return 0


if __name__ == "__main__":
    execute(main)
