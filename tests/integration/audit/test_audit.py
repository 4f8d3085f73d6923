# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real node's history leaves on record, and what protection and windows keep from happening to it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.account import Who
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.query import open_changes
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.charge import Charge
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.fault.attacks.run import Run
from tests.support.node import Node, box, version
from tests.support.waiting import wait_for

FROZEN = [{"freeze": "feast", "until": "2100-01-01"}]


def lines(node: Node) -> list[dict[str, Any]]:
    chain = check(node.host().trail.parts())
    assert chain.problems == ()
    return [dict(line.fields) for line in chain.lines]


def converger(
    node: Node, release: str, approve: list[str] | None = None, windows: Any = None,
    emergency: str | None = None, **changes: Any,
) -> Converger:  # fmt: skip
    charge = Charge(Who({"user": "alice"}, "node1"), rules_of(approve, windows, emergency))
    return Converger(node.host(), box(node, release, **changes), 20, charge)


def asked(node: Node, module: str, **options: Any) -> dict[str, Any]:
    """What a module of the collection says to these options, run as Ansible runs it on a host."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"config": str(node.config), **options}}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.mcpops.fleet.plugins.modules.{module}"],
        input=json.dumps(arguments), capture_output=True, text=True, check=False,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_whole_history_is_on_record_and_a_copy_that_was_tampered_with_does_not_verify(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    before = node.host().trail.parts()
    assert node.update("2.0.0").report.audit == node.host().trail.head()
    assert node.host().trail.parts() == before, "a run that changes nothing writes nothing"
    node.roll_back("2.0.0")
    with pytest.raises(UpdateFailed) as undone:
        node.update("2.2.0")
    node.supervisorctl("stop", "box-blue")
    node.update("1.0.0")
    last = node.converger(box(node, "1.0.0", update={"drain": 0})).absent(apply=True)

    told = lines(node)
    assert [(line["event"], line["action"]) for line in told] == [
        (event, action)
        for action in ("deploy", "update", "rollback", "update", "restart", "removal")
        for event in ("started", "ended")
    ]
    assert [line["result"] for line in told[1::2]] == ["done", "done", "done", "undone", "done", "done"]
    served = [(line["after"] or {}).get("package", "")[-5:] for line in told[1::2]]
    assert served == ["1.0.0", "2.0.0", "1.0.0", "1.0.0", "1.0.0", ""]
    assert told[3]["before"]["release"] == told[5]["after"]["release"] == told[1]["after"]["release"]
    assert told[3]["contract"] == {"verdict": "identical", "breaking": []}
    assert (told[7]["failed_step"], told[7]["reason"]) == ("ready", str(undone.value))
    assert "no such host" in told[7]["reason"]

    head = {"seq": len(told), "hash": last.to_json()["audit"]["hash"]}
    assert asked(node, "mcp_audit", expected=head)["valid"]
    folder = node.root / "state" / "audit"
    data = (folder / "audit.jsonl").read_bytes()
    (folder / "audit.jsonl").write_bytes(data.replace(b'"undone"', b'"done"'))
    refused = asked(node, "mcp_audit", expected=head)
    assert refused["failed"] and "audit.jsonl, line 8: its content was changed" in refused["msg"]
    (folder / "audit.jsonl").write_bytes(b"".join(data.splitlines(keepends=True)[:-2]))
    assert asked(node, "mcp_audit")["valid"]
    cut = asked(node, "mcp_audit", expected=head)
    assert "it ends with number 10; number 12 was there and is cut off" in cut["msg"]


def test_mcp_audit_finds_and_exports_what_is_asked_for(node: Node) -> None:
    assert asked(node, "mcp_audit") | {"invocation": 0} == {
        "changed": False, "valid": True, "problems": [], "head": {"seq": 0, "hash": "0" * 64}, "lines": 0,
        "files": [], "torn": 0, "unfinished": [], "records": [], "export": None, "invocation": 0,
    }  # fmt: skip
    node.update("1.0.0")
    node.update("2.0.0")
    found = asked(node, "mcp_audit", server="box", action="update", result="done", format="jsonl")
    [record] = found["records"]
    assert (record["seq"], json.loads(found["export"])) == (4, record)
    today = datetime.now(UTC).date().isoformat()
    assert len(asked(node, "mcp_audit", since=today, until=today)["records"]) == 4
    assert len(asked(node, "mcp_audit", limit=1)["records"]) == 1
    assert asked(node, "mcp_audit", server="other")["records"] == []
    assert "Give it like 2026-10-19" in asked(node, "mcp_audit", since="yesterday")["msg"]


def test_a_secret_that_a_failing_server_says_is_not_on_record(node: Node) -> None:
    node.update("1.0.0")
    said: dict[str, Any] = {"arguments": ["--port", "{port}", "--say", "s3cr3t-value"]}
    with pytest.raises(UpdateFailed):
        node.update("2.2.0", **said)
    secret = "cannot open the database"
    with pytest.raises(UpdateFailed):
        node.update("2.2.0", credentials={"SECRET": secret})
    data = (node.root / "state" / "audit" / "audit.jsonl").read_bytes()
    assert b"2.2.0 ********" in data and b"s3cr3t-value" not in data
    assert data.count(secret.encode()) == 1, "the first one had no such credential"
    assert len(lines(node)) == 6


def test_a_killed_run_leaves_its_first_line_and_the_next_one_tells_the_end(node: Node) -> None:
    node.update("1.0.0")
    with Run.begin(node, "2.0.0") as run:
        wait_for(lambda: len(lines(node)) >= 3, "it has told its beginning")
        run.signal(9)
        run.end()
    [unfinished] = open_changes(check(node.host().trail.parts()).lines)
    assert (unfinished.seq, unfinished.fields["wanted"]) == (3, "fleet-test-server@2.0.0")
    node.update("2.0.0")
    told = lines(node)
    assert [line["event"] for line in told[2:]] == ["started", "started", "ended"]
    assert open_changes(check(node.host().trail.parts()).lines) == []


def test_what_cannot_be_recorded_is_refused_and_a_way_back_is_not(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    folder = node.root / "state" / "audit"
    folder.rename(folder.with_name("aside"))
    folder.write_text("no folder")
    with pytest.raises(FleetError, match="box: record the change before it begins"):
        node.update("3.0.0")
    assert version(node) == "2.0.0"
    assert not list((node.root / "releases").glob("pypi/*/3.0.0*"))
    outcome = node.roll_back("2.0.0")
    assert version(node) == "1.0.0" and outcome.report.audit_problem


def test_a_protected_server_is_changed_only_with_an_approval_of_the_change(node: Node) -> None:
    mark: dict[str, Any] = {"protected": True}
    converger(node, "1.0.0", **mark).present("settled", apply=True)
    foreseen = converger(node, "2.0.0", **mark).present("settled", apply=False)
    assert foreseen.refused and '{"mcp_approve": ["box@2.0.0"]}' in foreseen.refused
    for wrong in ([], ["box@1.0.0"], ["other@2.0.0"]):
        with pytest.raises(FleetError) as refused:
            converger(node, "2.0.0", wrong, **mark).present("settled", apply=True)
        assert str(refused.value) == foreseen.refused
    with pytest.raises(FleetError, match="protected"):
        converger(node, "1.0.0", environment={"NEW": "1"}, **mark).present("settled", apply=True)
    with pytest.raises(FleetError, match='"box:absent"'):
        converger(node, "1.0.0").absent(apply=True)
    assert (version(node), len(lines(node))) == ("1.0.0", 2), "nothing was changed, nothing is on record"
    converger(node, "2.0.0", ["box@2.0.0"], **mark).present("settled", apply=True)
    assert version(node) == "2.0.0"
    assert lines(node)[2]["allowed"] == {"approvals": ["box@2.0.0"], "lacking": []}
    # For safety it always goes back; that nobody approved it is on record.
    converger(node, "2.0.0", **mark).rolled_back(False, apply=True)
    assert version(node) == "1.0.0"
    assert lines(node)[4]["allowed"]["lacking"] == ["box@1.0.0"]


def test_an_inventory_without_the_mark_does_not_take_the_protection_away(node: Node) -> None:
    converger(node, "1.0.0").present("settled", apply=True)
    marked = converger(node, "1.0.0", protected=True).present("settled", apply=True)
    assert (marked.plan.lines(), lines(node)[2]["action"]) == (["protect"], "protection")
    assert not converger(node, "1.0.0", protected=True).present("settled", apply=True).plan.changes
    for release in ("1.0.0", "2.0.0"):
        with pytest.raises(FleetError, match=r'take its protection away.*"box:unprotected"'):
            converger(node, release).present("settled", apply=True)
    converger(node, "1.0.0", ["box:unprotected"]).present("settled", apply=True)
    converger(node, "2.0.0").present("settled", apply=True)
    assert version(node) == "2.0.0"


def test_nothing_is_changed_in_a_freeze_but_what_is_under_way_after_its_switch(node: Node) -> None:
    converger(node, "1.0.0").present("settled", apply=True)
    with pytest.raises(FleetError, match=r"frozen \(feast\).*mcp_emergency"):
        converger(node, "2.0.0", windows=FROZEN).present("settled", apply=True)
    with pytest.raises(FleetError, match="move it to the route /moved: changes are frozen"):
        converger(node, "1.0.0", windows=FROZEN, route="/moved").present("settled", apply=True)
    with pytest.raises(FleetError, match="remove it: changes are frozen"):
        converger(node, "1.0.0", windows=FROZEN).absent(apply=True)
    # What serves is put right also then.
    node.supervisorctl("stop", "box-blue")
    converger(node, "1.0.0", windows=FROZEN).present("settled", apply=True)
    # What was staged before is not switched to; what was switched to is finished.
    converger(node, "2.0.0").present("staged", apply=True)
    with pytest.raises(FleetError, match="frozen"):
        converger(node, "2.0.0", windows=FROZEN).present("settled", apply=True)
    assert version(node) == "1.0.0"
    converger(node, "2.0.0").present("active", apply=True)
    done = converger(node, "2.0.0", windows=FROZEN).present("settled", apply=True)
    assert done.plan.lines() == ["prove", "drained", "settled"]
    emergency = converger(node, "3.0.0", windows=FROZEN, emergency="a leak").present("settled", apply=True)
    assert (version(node), emergency.refused) == ("3.0.0", None)
    [begun] = [line for line in lines(node) if line.get("wanted") == "fleet-test-server@3.0.0"]
    assert begun["allowed"] == {"closed": "changes are frozen (feast)", "emergency": "a leak"}
    assert begun["who"]["user"] == "alice"


def test_a_run_that_is_refused_or_only_looks_leaves_nothing_behind(node: Node) -> None:
    converger(node, "1.0.0").present("settled", apply=True)
    eras = node.root / "state" / "box" / "eras.json"
    eras.unlink(missing_ok=True)
    with pytest.raises(FleetError, match="frozen"):
        converger(node, "2.0.0", windows=FROZEN).present("settled", apply=True)
    assert converger(node, "2.0.0").present("settled", apply=False).report.eras is not None
    folder = node.root / "state" / "audit"
    folder.rename(folder.with_name("aside"))
    folder.write_text("no folder")
    with pytest.raises(FleetError, match="record the change before it begins"):
        converger(node, "2.0.0").present("settled", apply=True)
    assert not eras.exists()
    converger(node, "1.0.0").present("settled", apply=True)
    assert not eras.exists(), "a run that has nothing to change writes nothing"
    folder.unlink()
    converger(node, "2.0.0").present("settled", apply=True)
    assert eras.exists(), "a run that changes something writes down what the edge counted"
