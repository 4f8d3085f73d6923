# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that cleans up, as an operator runs it."""

from __future__ import annotations

from tests.integration.playbooks.fleet import NODES, SECRET, Fleet

EVERYTHING = {"preset": "aggressive", "release": {"keep": 0, "min_age": 0}, "quarantine": {"min_age": 0}}


def installed(fleet: Fleet, node: str) -> set[str]:
    """Versions of which a node has a release."""
    return {
        path.name.partition("-")[0]
        for path in (fleet.root / node / "releases/pypi/fleet-test-server").iterdir()
    }


def test_check_mode_lists_what_a_run_then_deletes_and_a_second_run_deletes_nothing(deployed: Fleet) -> None:
    for version in ("2.0.0", "3.0.0"):
        deployed.run("update", "--limit", "node1", box_version=version).succeeded()
    wish = {"box_version": "3.0.0", "mcp_retention": EVERYTHING}
    before = installed(deployed, "node1")
    foreseen = deployed.run("cleanup", "--check", "--limit", "node1", **wish).succeeded()
    assert installed(deployed, "node1") == before
    done = deployed.run("cleanup", "--limit", "node1", "-vvv", **wish).succeeded()
    assert installed(deployed, "node1") == {"2.0.0", "3.0.0"}
    gone = before - {"2.0.0", "3.0.0"}
    for name in gone:
        assert "would delete  release" in foreseen.output and f"fleet-test-server@{name}" in foreseen.output
        assert f"fleet-test-server@{name}" in done.output
    assert SECRET not in done.output
    second = deployed.run("cleanup", "--limit", "node1", **wish).succeeded()
    assert second.recap["node1"]["changed"] == 0
    deployed.run("rollback", "--limit", "node1", box_version="3.0.0").succeeded()
    assert deployed.serves("node1") == "2.0.0"


def test_a_mistake_in_a_policy_is_told_with_its_key_and_nothing_is_deleted(deployed: Fleet) -> None:
    before = [installed(deployed, node) for node in NODES]
    run = deployed.run("cleanup", mcp_retention_mine={"release": {"keep": -1}}).failed()
    assert "mcp_retention_mine.release.keep: it is -1" in run.output
    assert [installed(deployed, node) for node in NODES] == before
