# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One operation on a node, in a process of its own that is forked from one which has loaded all it needs."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.host.layout import Layout, read_layout
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import open_host
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome

from .durable import PowerLoss
from .effects import Counting, Harming, Killing


def effects_of(asked: dict[str, Any], layout: Layout) -> Effects:
    """What is asked for: nothing but counting, or some harm at an act."""
    log, at = Path(asked["log"]), asked.get("at", 0)
    if asked.get("victims"):
        return Harming(log, at, asked["victims"])
    if asked.get("power") is not None:
        return PowerLoss(log, at, [layout.releases, layout.cache / "bytecode"], asked["power"])
    return Killing(log, at) if at else Counting(log)


def _under_way(record: Record) -> bool:
    return record.transaction is not None


def operate(asked: dict[str, Any]) -> dict[str, Any]:
    """Do it; gives the outcome, or the error that it ended with.

    :param asked: config, raw (the definition), operation (present, rolled_back, absent, recovered), log, and
        how to interfere: at, and victims or power (a seed).
    """
    layout = read_layout(Path(asked["config"]))
    definition = parse(asked["raw"])
    converger = Converger(open_host(layout, effects_of(asked, layout)), definition, lock_timeout=20)
    operations: dict[str, Callable[[], Outcome | None]] = {
        "present": lambda: converger.present("settled", apply=True),
        "rolled_back": lambda: converger.rolled_back(unfinished_only=False, apply=True),
        "absent": lambda: converger.absent(apply=True),
        "recovered": lambda: converger.recovered(_under_way, "a run was cut off"),
    }
    try:
        outcome = operations[asked["operation"]]()
    except FleetError as error:
        return {"error": str(error)}
    return outcome.to_json() if outcome else {}


def forked(asked: dict[str, Any], told: str) -> None:
    """As the whole of a process that was forked: the outcome is JSON in the file ``told``."""
    os.setsid()
    try:
        result = operate(asked)
    except Exception:
        result = {"error": traceback.format_exc()[-1500:]}
    Path(told).write_text(json.dumps(result))


def main() -> int:
    """As a command: what is asked for is JSON on standard input, the outcome JSON on standard output."""
    result = operate(json.loads(sys.stdin.read()))
    print(json.dumps(result))
    return int("error" in result)


if __name__ == "__main__":
    sys.exit(main())
