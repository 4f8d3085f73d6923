# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate and locks cost: contracts compared, servers locked, installed. Ends with a line of JSON.

Each measurement is a function in MEASURED that gives figures by name; names as arguments choose among them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.compare import compare
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.offer import Offer
from tests.bench.lock import installs, locks
from tests.contracts.servers import SERVERS
from tests.support.command import execute

Figures = Mapping[str, float]


def recorded_tools() -> list[Mapping[str, Any]]:
    """Tools of public servers as they were recorded."""
    found: list[Mapping[str, Any]] = []
    for server in SERVERS:
        for version in server.versions:
            if server.file(version).exists():
                found += Offer.from_json(json.loads(server.file(version).read_text())).tools.values()
    return found


def contract(count: int, changed: bool) -> Offer:
    """So many tools, copies of real ones; each changed in its words and with an argument more."""
    tools = recorded_tools()
    listed = []
    for number in range(count):
        tool = json.loads(json.dumps(tools[number % len(tools)]))
        tool["name"] = f"tool-{number}"
        if changed:
            tool["description"] = "Changed. " + tool.get("description", "")
            tool["inputSchema"].setdefault("properties", {})["added"] = {"type": "string"}
        listed.append(tool)
    return Offer.of(["legacy"], tools=listed)


def best(function: Callable[[], object], times: int) -> float:
    """Seconds of the processor that the fastest of several runs took: this is work of one thread."""
    seconds = []
    for _time in range(times):
        started = time.process_time()
        function()
        seconds.append(time.process_time() - started)
    return round(min(seconds), 4)


def comparing() -> Figures:
    """Two contracts of many tools, alike and with every tool changed."""
    figures: dict[str, float] = {}
    for count, times in ((1_000, 3), (10_000, 1)):
        old, same, new = contract(count, False), contract(count, False), contract(count, True)
        figures[f"compare_{count}_identical_s"] = best(partial(compare, old, same), times)
        figures[f"compare_{count}_all_changed_s"] = best(partial(compare, old, new), times)
    return figures


def in_a_folder(measure: Callable[[Path], Figures]) -> Figures:
    """What is measured in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcpops-bench-") as folder:
        return measure(Path(folder))


MEASURED: Mapping[str, Callable[[], Figures]] = {
    "comparing": comparing,
    "locking": partial(in_a_folder, locks),
    "installing": partial(in_a_folder, installs),
}


def main() -> int:
    """Measure all, or what is named."""
    figures: dict[str, float] = {}
    for name, measure in MEASURED.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            found = measure()
            for key, value in found.items():
                print(f"{key:32} {value}", flush=True)
            figures.update(found)
    failed = missed(figures)
    print(json.dumps({**figures, "reached": not failed, "missed": failed}))
    return int(bool(failed))


def missed(figures: Figures) -> list[str]:
    """What of the aims, as far as it was measured, was not reached: a thousand tools in a second, locking
    that gains by doing several at once, and installing what was shipped no slower than from the registry with
    a warm cache. (From a lock with a warm cache no registry is asked either: what that is quicker by is what
    looking at each shipped byte and unpacking it costs. Both are printed.)"""
    aims = {
        "compare_1000_all_changed_s": 1.0,
        "lock_ten_at_once_s": figures.get("lock_ten_one_by_one_s"),
        "npm_offline_install_s": figures.get("npm_unlocked_install_s"),
        "pypi_offline_install_s": figures.get("pypi_unlocked_install_s"),
    }
    return [name for name, most in aims.items() if most is not None and figures.get(name, 0.0) > most]


if __name__ == "__main__":
    execute(main)
