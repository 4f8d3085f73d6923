# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new lock of the version that serves brings another release of it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Closure, pinned
from ansible_collections.mcpops.fleet.plugins.module_utils.release.lock import Lock
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locks import dumps
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target
from tests.bench.module import mcp_update
from tests.support.node import Node, raw_box
from tests.support.wheels import IDENTIFIER


def test_a_check_with_diff_shows_which_artifacts_a_new_lock_of_the_same_version_brings(node: Node) -> None:
    node.update("1.0.0")
    [manifest] = (node.root / "releases").glob("pypi/*/*/manifest.json")
    [own] = json.loads(manifest.read_text())["closure"]
    look: dict[str, Any] = {"_ansible_check_mode": True, "_ansible_diff": True}

    def seen(*more: str) -> tuple[Any, list[str]]:
        hashes = " ".join(f"--hash={value}" for value in (*own["hashes"], *more))
        text = f"{IDENTIFIER}==1.0.0 {hashes}\n"
        package = Package("pypi", IDENTIFIER, "1.0.0")
        closure = Closure(package, tuple(pinned(package, text)), {"requirements.txt": text.encode()})
        content = dumps([Lock(closure, Target(), "2026-01-01T00:00:00Z")])
        result, _seconds = mcp_update(node.config, raw_box(node, "1.0.0"), lock_content=content, **look)
        return result["artifacts"], result["diff"]["after"].splitlines()

    assert seen() == (None, ["serves: fleet-test-server@1.0.0"])
    line = "fleet-test-server 1.0.0: hashes added"
    assert seen("sha256:" + "0" * 64) == (
        [line],
        ["serves: fleet-test-server@1.0.0", "artifacts: 1 differ", f"  {line}"],
    )
