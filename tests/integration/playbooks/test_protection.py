# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protection, windows and the audit as an operator meets them: by inventory, command line and playbooks."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.playbooks.fleet import NODES, Fleet, box

FREEZE = [{"freeze": "feast", "until": "{{ '2100-01-01' }}"}]


def test_a_freeze_is_told_before_the_first_change_foreseen_in_check_mode_and_kept_by_every_playbook(
    deployed: Fleet, tmp_path: Path
) -> None:
    with deployed.changed(mcp_windows=FREEZE):
        run = deployed.run("update", box_version="2.0.0").failed()
        for node in NODES:
            said = f"{node}: box: update it to fleet-test-server@2.0.0: changes are frozen (feast)"
            assert said in run.output
        assert "Update in waves" not in run.output
        seen = deployed.run("update", "--check", box_version="2.0.0").succeeded()
        assert seen.summary.count("would be refused: box: update it to") == 3
        own = tmp_path / "own.yml"
        options = {"config": "{{ mcp_root }}/etc/host.json", "server": "{{ mcp_servers[0] }}"}
        task = {"mcpops.fleet.mcp_update": options}
        own.write_text(json.dumps([{"hosts": "node1", "gather_facts": False, "tasks": [task]}]))
        assert "changes are frozen (feast)" in deployed.run(str(own), box_version="2.0.0").failed().output
    assert deployed.versions() == ["1.0.0"] * 3


def test_what_was_approved_by_whom_is_verified_on_all_hosts_and_a_tampered_record_is_named(
    deployed: Fleet, tmp_path: Path
) -> None:
    with deployed.changed(mcp_servers=[box(protected=True)]):
        assert '{"mcp_approve": ["box@2.0.0"]}' in deployed.run(
            "update", "--limit", "node1", box_version="2.0.0"
        ).failed().output.replace('\\"', '"')
        allowed = {
            "mcp_approve": ["box@2.0.0", "box:unprotected"],
            "mcp_reason": "asked for",
            "awx_job_id": 42,
        }
        deployed.run("update", "--limit", "node1", box_version="2.0.0", **allowed).succeeded()
        deployed.run("rollback", "--limit", "node1").succeeded()
    deployed.run("update", "--limit", "node1", **allowed).succeeded()
    whole = deployed.run("audit", mcp_audit_folder=str(tmp_path / "kept")).succeeded()
    assert whole.output.count("  whole  ") == len(NODES)
    told = [json.loads(line) for line in (tmp_path / "kept" / "node1.jsonl").read_text().splitlines()]
    # Other tests have used this fleet before.
    begun = next(line for line in told if line.get("who", {}).get("job") == "42")
    wanted = "fleet-test-server@2.0.0"
    assert (begun["host"], begun["reason"], begun["wanted"]) == ("node1", "asked for", wanted)
    assert begun["allowed"]["approvals"] == ["box@2.0.0"]

    record = deployed.root / "node1" / "state" / "audit" / "audit.jsonl"
    data = record.read_bytes()
    try:
        record.write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
        cut = deployed.run("audit", mcp_audit_folder=str(tmp_path / "kept")).failed()
        assert "node1  BROKEN  verify the audit in" in cut.output and "is cut off" in cut.output
        assert cut.recap["node2"]["failed"] == 0
        record.write_bytes(data.replace(b"asked for", b"not asked"))
        changed = deployed.run("audit").failed()
        assert "its content was changed: its own hash does not fit" in changed.output
    finally:
        record.write_bytes(data)
