# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup leaves on record, and what protection and windows keep from it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.account import Who
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.clean import Outcome
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.update.charge import Charge
from tests.integration.cleanup.cleaning import NOTHING, cleaned, deleted, foreseen
from tests.support.node import Node
from tests.support.releases import deployment, make_release, place, record

FROZEN = [{"freeze": "feast", "until": "2100-01-01"}]


@pytest.fixture
def bare(tmp_path: Path) -> Node:
    """A host with releases and no server."""
    return place(tmp_path / "node")


def lines(node: Node) -> list[dict[str, Any]]:
    chain = check(node.host().trail.parts())
    assert chain.problems == ()
    return [dict(line.fields) for line in chain.lines]


def charge(approve: list[str] | None = None, windows: Any = None, emergency: str | None = None) -> Charge:
    return Charge(Who({"user": "alice"}, "node1", "room"), rules_of(approve, windows, emergency))


def rules(outcome: Outcome) -> set[str]:
    return {entry["rule"] for entry in result_of(outcome)["found"] if entry["action"] == "keep"}


def protect(node: Node, server: str) -> None:
    journal = node.host().journal
    journal.save(replace(journal.load(server), protected=True))


def test_a_protected_server_loses_nothing_without_approval_and_what_it_loses_is_two_lines(bare: Node) -> None:
    old, new, other = (
        make_release(bare.root / "releases", Package("pypi", *package))
        for package in (("box", "1.0.0"), ("box", "2.0.0"), ("other", "1.0.0"))
    )
    record(bare, "box", deployment(Package("pypi", "box", "2.0.0"), new))
    protect(bare, "box")
    plan = foreseen(bare, charge=charge(["other:cleanup", "box:absent"]))
    assert set(plan.freed) == {str(other)} and "protected" in rules(plan)
    [advice] = [text for text in plan.warnings if "protected" in text]
    assert '{"mcp_approve": ["box:cleanup"]}' in advice
    done = cleaned(bare, charge=charge(["other:cleanup", "box:absent"]))
    assert set(done.freed) == set(plan.freed) and old.exists() and done.warnings == plan.warnings
    # What is of no server is on record as well.
    assert [(each["event"], each["server"]) for each in lines(bare)] == [("started", None), ("ended", None)]

    assert deleted(foreseen(bare, charge=charge(["box:cleanup"]))) == {"1.0.0"}
    done = cleaned(bare, charge=charge(["box:cleanup"]))
    assert not old.exists() and new.exists()
    begun, ended = lines(bare)[2:]
    assert [begun[key] for key in ("action", "server", "host", "reason")] == [
        "cleanup", "box", "node1", "room"
    ]  # fmt: skip
    assert begun["who"]["user"] == "alice"
    assert begun["plan"] == ["delete box@1.0.0: nothing needs it"]
    assert begun["allowed"] == {"approvals": ["box:cleanup"], "lacking": []}
    [gone] = begun["releases"]
    assert gone["package"] == "box@1.0.0" and gone["release"]
    assert (ended["result"], ended["deleted"], ended["releases"]) == ("done", [str(old)], [gone])
    assert ended["reclaimed"] == done.freed[str(old)]
    assert result_of(done)["audit"] == bare.host().trail.head().to_json()


def test_many_files_are_two_lines_and_a_cleanup_of_nothing_is_none(bare: Node) -> None:
    for number in range(120):
        make_release(bare.root / "releases", Package("pypi", "box", f"1.{number}.0"))
    assert len(cleaned(bare, charge=charge()).freed) == 120
    begun, ended = lines(bare)
    assert (begun["count"], ended["count"], len(ended["releases"])) == (120, 120, 100)
    assert not cleaned(bare, charge=charge()).changed
    assert len(lines(bare)) == 2


def test_outside_the_windows_nothing_is_deleted_nor_what_an_earlier_run_moved_away(
    bare: Node,
) -> None:
    release = make_release(bare.root / "releases", Package("pypi", "box", "1.0.0"))
    host = bare.host()
    tomb = host.releases.bury(
        "pypi/box", make_release(bare.root / "releases", Package("pypi", "box", "2.0.0"))
    )
    for look in (foreseen, cleaned):
        outcome = look(bare, charge=charge(windows=FROZEN))
        assert not outcome.changed and release.exists() and tomb.exists()
        assert rules(outcome) == {"closed"} and outcome.left == [(str(tomb), "changes are frozen (feast)")]
        assert sum("mcp_emergency" in text for text in outcome.warnings) == 1
    assert lines(bare) == []
    cleaned(bare, charge=charge(windows=FROZEN, emergency="no room"))
    assert not release.exists() and not tomb.exists()
    assert lines(bare)[0]["allowed"] == {"closed": "changes are frozen (feast)", "emergency": "no room"}


def test_a_cleanup_that_cannot_be_recorded_deletes_nothing(bare: Node) -> None:
    release = make_release(bare.root / "releases", Package("pypi", "box", "1.0.0"))
    (bare.root / "state").mkdir(exist_ok=True)
    (bare.root / "state" / "audit").write_text("no folder")
    with pytest.raises(FleetError, match="record the change before it begins"):
        cleaned(bare)
    assert release.exists() and not list((bare.root / "releases").glob(".tombstones/*"))


def test_the_timer_keeps_to_the_windows_that_were_written_down_and_is_on_record(bare: Node) -> None:
    release = make_release(bare.root / "releases", Package("pypi", "box", "1.0.0"))
    wishes = {"policies": {"mcp_retention": NOTHING}, "servers": [], "host": "node1"}
    keep = bare.root / "etc" / "retention.json"
    program = [sys.executable, "-c", PROGRAM, f"--config={bare.config}", f"--keep={keep}"]
    keep.write_text(json.dumps({**wishes, "windows": FROZEN}))
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert release.exists() and "changes are frozen (feast)" in said
    keep.write_text(json.dumps({**wishes, "windows": [{"allow": 3}]}))
    refused = subprocess.run(program, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and release.exists() and "read mcp_windows" in refused.stdout
    keep.write_text(json.dumps({**wishes, "windows": []}))
    subprocess.run(program, capture_output=True, check=True)
    assert not release.exists()
    assert [(each["host"], each["event"]) for each in lines(bare)] == [
        ("node1", "started"),
        ("node1", "ended"),
    ]
    assert lines(bare)[0]["who"]["user"] == "mcp-cleanup"


PROGRAM = """
import sys
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.main import main
sys.exit(main())
"""
