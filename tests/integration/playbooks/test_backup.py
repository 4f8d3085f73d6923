# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup and restore as an operator runs them: a node is thrown away and serves again, no secret is seen."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from tests.integration.playbooks.fleet import KEY, SECRET, Fleet, files_holding
from tests.support.waiting import wait_for


def lose(fleet: Fleet, node: str) -> None:
    """End all of a node, and remove its folder."""
    supervisor = fleet.supervisor(node)
    assert supervisor is not None
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: fleet.supervisor(node) is None, "the supervisor ends")
    for path in (fleet.root / node / "releases").rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(fleet.root / node)


def test_a_node_that_was_lost_serves_again_and_no_secret_is_seen(deployed: Fleet, tmp_path: Path) -> None:
    key, folder = tmp_path / "fleet.key", tmp_path / "backups"
    key.write_text(f"# made by a test\n{KEY}\n")
    options = ("--limit", "node1", "-vvv", "--diff")
    variables = {"mcp_backup_folder": str(folder), "mcp_restore_identity_file": str(key)}
    slot = deployed.slot("node1")
    backups = [deployed.run("backup", *options, **variables).succeeded() for _time in range(2)]
    assert [run.recap["node1"]["changed"] for run in backups] == [2, 0]
    [archive] = folder.glob("node1-*.age")

    restored = deployed.run("restore", *options, **variables).succeeded()
    assert restored.recap["node1"]["changed"] == 0 and "it serves what the backup holds" in restored.output
    lose(deployed, "node1")
    damaged = tmp_path / "damaged.age"
    damaged.write_bytes(archive.read_bytes()[:-1])
    shutil.copy(f"{archive}.json", f"{damaged}.json")
    refused = deployed.run("restore", *options, **variables, mcp_restore_archive=str(damaged)).failed()
    assert "cannot be used" in refused.output and not (deployed.root / "node1").exists()
    restored = deployed.run("restore", *options, **variables).succeeded()
    assert deployed.is_as_deployed("node1") and deployed.slot("node1") == slot

    for run in (*backups, refused, restored):
        assert SECRET not in run.output and str(KEY) not in run.output
    assert not files_holding(folder, SECRET)
    holding = {
        path.relative_to(deployed.root / "node1") for path in files_holding(deployed.root / "node1", SECRET)
    }
    of_slots = {Path("slots", "box", name, "credentials.json") for name in ("blue", "green")}
    assert Path("slots", "box", slot, "credentials.json") in holding and holding <= of_slots
    assert not files_holding(deployed.root / "node1", str(KEY))
