# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long planning a cleanup of many large releases takes, and what it reads meanwhile; last line JSON.

All releases have the folder and the manifest that an installation leaves, which says 5,000 files. Five
million inodes would fill most disks, so only those of ``--real`` releases are made, as hard links of an
empty file in 50 folders each. What does not depend on files has not to read them: every path that is
opened or listed while planning is counted, and those below a release (its manifest apart) have to be none.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.clean import Cleaner
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies
from tests.support.command import execute
from tests.support.node import Node
from tests.support.releases import deployment, make_release, place, record

FILES, FOLDERS = 5000, 50
LIMIT = 2.0


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="make bench-cleanup")
    parser.add_argument("--releases", type=int, default=1000)
    parser.add_argument("--real", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-cleanup-") as folder:
        node = place(Path(folder) / "node")
        _fill(node, given.releases, given.real)
        began = time.process_time()
        seconds = [_plan(node)[0] for _run in range(given.runs)]
        processor = (time.process_time() - began) / given.runs
        _seconds, deletes, reads, below = _watched(node)
        Effects().remove_tree(node.root / "releases")
    figures = {
        "releases": given.releases,
        "files_each": FILES,
        "releases_with_files": given.real,
        "plan_s_median": round(statistics.median(seconds), 3),
        "plan_s_max": round(max(seconds), 3),
        "plan_cpu_s": round(processor, 3),
        "to_delete": deletes,
        "paths_read": reads,
        "paths_read_below_a_release": below,
    }
    print(f"planned in {figures['plan_s_median']} s (to reach: below {LIMIT:g} s)")
    reached = below == 0 and statistics.median(seconds) < LIMIT
    print(json.dumps({**figures, "reached": reached}))
    return int(not reached)


def _fill(node: Node, releases: int, real: int) -> None:
    """Ten packages, each with a hundred releases; a server runs the newest of each and can go back to one."""
    for number in range(releases):
        package = Package("pypi", f"server-{number % 10}", f"{number // 10}.0.0")
        days = (releases - number) / 4
        path = make_release(node.root / "releases", package, days, FILES, written=False)
        if number < real:
            (path / "lib").chmod(0o755)
            # A file has at most 65,000 names on ext4.
            empty = node.root / f"empty-{number}"
            empty.touch()
            for folder in range(FOLDERS):
                (path / "lib" / str(folder)).mkdir()
                for file in range(FILES // FOLDERS):
                    os.link(empty, path / "lib" / str(folder) / str(file))
        if number >= releases - 10:
            record(node, f"server-{number % 10}", deployment(package, path))


def _plan(node: Node) -> tuple[float, int]:
    policies, wanted = parse_policies({"mcp_retention": {"preset": "standard"}}, [])
    began = time.monotonic()
    outcome = Cleaner(node.host(), policies, wanted).foresee()
    return time.monotonic() - began, len(outcome.freed)


def _watched(node: Node) -> tuple[float, int, int, int]:
    """A plan with every path counted that Python opens or lists, and those below a release."""
    counting, paths = [True], []
    root = f"{node.root}/releases/pypi/"

    def seen(event: str, arguments: tuple[object, ...]) -> None:
        if counting and event in ("open", "os.listdir", "os.scandir") and arguments:
            paths.append(str(arguments[0]))

    sys.addaudithook(seen)
    seconds, deletes = _plan(node)
    counting.clear()
    below = [
        path
        for path in paths
        if path.startswith(root) and path[len(root) :].count("/") >= 2 and not path.endswith("/manifest.json")
    ]
    return seconds, deletes, len([path for path in paths if path.startswith(str(node.root))]), len(below)


if __name__ == "__main__":
    execute(main)
