# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a timer runs on hosts with systemd, and as bare."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.lookup.recovery_archive import archive
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.cleanup.cleaning import NOTHING
from tests.support.node import Node
from tests.support.releases import make_release, place


def run(node: Node) -> tuple[int, str]:
    """Its exit code, and what it says."""
    program = node.root / "mcp-cleanup.pyz"
    program.write_bytes(archive("cleanup"))
    keep = node.root / "etc" / "retention.json"
    argv = [sys.executable, "-I", str(program), f"--config={node.config}", f"--keep={keep}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={}, cwd="/")
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_program_cleans_up_by_the_policies_that_were_written_down_and_by_none_without(
    tmp_path: Path,
) -> None:
    node = place(tmp_path / "node")
    release = make_release(node.root / "releases", Package("pypi", "box", "1.0.0"))
    status, said = run(node)
    assert (status, said.startswith("<3>read ")) == (1, True) and release.exists()
    wishes = {"policies": {"mcp_retention": NOTHING}, "servers": []}
    (node.root / "etc" / "retention.json").write_text(json.dumps(wishes))
    status, said = run(node)
    assert status == 0 and not release.exists()
    assert said.splitlines() == [
        f"<5>deleted {release}: nothing needs it",
        "<5>reclaimed 300 B, kept 0 B",
    ]
