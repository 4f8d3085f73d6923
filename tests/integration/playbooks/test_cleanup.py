# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that cleans up, as an operator runs it."""

from __future__ import annotations

import json

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


def test_the_rules_of_the_inventory_keep_what_a_cleanup_would_delete_and_the_run_is_on_record(
    deployed: Fleet,
) -> None:
    deployed.run("update", "--limit", "node1", box_version="2.0.0").succeeded()
    deployed.run("update", "--limit", "node1", box_version="3.0.0").succeeded()
    wish = {"box_version": "3.0.0", "mcp_retention": EVERYTHING}
    frozen = {**wish, "mcp_windows": [{"freeze": "feast", "until": "2100-01-01"}]}
    before = installed(deployed, "node1")
    kept = deployed.run("cleanup", "--limit", "node1", **frozen).succeeded()
    assert installed(deployed, "node1") == before and kept.recap["node1"]["changed"] == 0
    assert "changes are frozen (feast)" in kept.output
    deployed.run("cleanup", "--limit", "node1", **frozen, mcp_emergency="no room").succeeded()
    assert installed(deployed, "node1") == {"2.0.0", "3.0.0"}
    lines = (deployed.root / "node1/state/audit/audit.jsonl").read_text().splitlines()
    begun, ended = map(json.loads, lines[-2:])
    assert (begun["action"], begun["server"], begun["host"]) == ("cleanup", "box", "node1")
    assert (begun["allowed"]["emergency"], ended["result"]) == ("no room", "done")
    assert begun["who"]["controller"]


def test_a_mistake_in_a_policy_is_told_with_its_key_and_nothing_is_deleted(deployed: Fleet) -> None:
    before = [installed(deployed, node) for node in NODES]
    run = deployed.run("cleanup", mcp_retention_mine={"release": {"keep": -1}}).failed()
    assert "mcp_retention_mine.release.keep: it is -1" in run.output
    assert [installed(deployed, node) for node in NODES] == before
