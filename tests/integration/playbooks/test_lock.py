# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet is locked beside its inventory; a lock that somebody touched stops a rollout before it begins."""

from __future__ import annotations

import json

from tests.integration.playbooks.fleet import NODES, Fleet


def test_a_fleet_is_locked_once_for_all_hosts_and_runs_what_is_locked(deployed: Fleet) -> None:
    assert "Not checked: box. No lock was used" in deployed.run("update", "--check").succeeded().summary
    made = deployed.run("lock", mcp_lock_minimum_age=7).succeeded()
    assert (
        "box: pypi fleet-test-server 1.0.0: locked, 1 artifacts, ages unknown; age NOT CHECKED" in made.output
    )
    [path] = (deployed.root / "locks").iterdir()
    digests = {
        json.loads(manifest.read_text())["digest"]
        for node in NODES
        for manifest in (deployed.root / node / "releases").glob("pypi/*/1.0.0-*/manifest.json")
    }
    assert digests == {json.loads(path.read_text())["digest"]}
    try:
        # It is what they run already.
        same = deployed.run("update", mcp_lock="required").succeeded()
        assert all(counts["changed"] == 0 for counts in same.recap.values())
        assert "Not checked" not in same.summary

        path.write_text(path.read_text().replace("1.0.0", "1.0.1"))
        refused = deployed.run("update").failed()
        assert f"box: read the lock {path}: it was edited or damaged" in refused.output
        assert "Run mcpops.fleet.lock" in refused.output
        assert "Stage and prove" not in refused.output
        assert deployed.versions() == ["1.0.0"] * len(NODES)
    finally:
        path.unlink()
