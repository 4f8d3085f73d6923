# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean this host up: ``--config host.json --keep retention.json``, which the role host wrote down.

A line for each thing that was done, and a sum, with priorities for journald (sd-daemon(3)). Ends with 1 when
it could not be done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..audit.account import Who
from ..effects import Effects
from ..errors import FleetError
from ..host.layout import read_layout
from ..protection.rules import rules_of
from ..retention.parse import parse_policies
from ..retention.policy import amount
from ..update.charge import Charge
from ..update.host import open_host
from .clean import Cleaner, Outcome
from .report import result_of

ERROR, WARNING, NOTICE = 3, 4, 5

_WAIT = 600.0


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="mcp-cleanup")
    parser.add_argument("--config", type=Path, required=True, help="host.json, as the role host wrote it")
    parser.add_argument("--keep", type=Path, required=True, help="retention.json, as the role host wrote it")
    given = parser.parse_args()
    os.umask(0o022)
    try:
        wishes = _wishes(given.keep)
        policies, wanted = parse_policies(wishes["policies"], wishes["servers"])
        host = open_host(read_layout(given.config), Effects())
        outcome = Cleaner(host, policies, wanted, _charge(wishes)).clean(_WAIT)
    except FleetError as error:
        _say(ERROR, str(error))
        return 1
    _tell(outcome)
    return 0


def _wishes(path: Path) -> dict[str, Any]:
    """Which policies hold. Without them nothing may be deleted."""
    try:
        wishes = json.loads(path.read_text())
        # Older roles wrote down no windows.
        more = {"windows": wishes.get("windows"), "host": wishes.get("host")}
        return {"policies": wishes["policies"], "servers": wishes["servers"], **more}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FleetError(
            f"read {path}", f"{error!r}", "Nothing was deleted. Run the role host again; it writes the file."
        ) from error


def _charge(wishes: dict[str, Any]) -> Charge:
    """Nobody is there to approve anything, and nothing is urgent."""
    return Charge(Who({"user": "mcp-cleanup"}, wishes["host"]), rules_of((), wishes["windows"], None))


def _tell(outcome: Outcome) -> None:
    result = result_of(outcome)
    for text in outcome.warnings:
        _say(WARNING, text)
    for entry in result["found"]:
        if entry["action"] == "delete":
            _say(NOTICE, f"deleted {entry['path']}: {entry['why']}")
    for entry in result["left"]:
        _say(WARNING, f"left {entry['path']}: {entry['why']}")
    for orphan in result["orphans"]:
        where = f"process {orphan['pid']} of {orphan['server']}/{orphan['slot']}"
        _say(NOTICE, f"orphan: {where}, {orphan['why']}: {orphan['action']}")
    _say(NOTICE, f"reclaimed {amount(result['reclaimed'])}, kept {amount(result['kept'])}")


def _say(priority: int, text: str) -> None:
    sys.stdout.write(f"<{priority}>{' '.join(text.split())}\n")
    sys.stdout.flush()
