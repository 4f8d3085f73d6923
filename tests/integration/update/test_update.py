# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of one server on a real node: what clients see while releases come and go."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.bake import Bake
from ansible_collections.mcpops.fleet.plugins.module_utils.update.info import servers_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.client import LegacySession, modern_call, post
from tests.support.node import Node, box, environment_of, version
from tests.support.ports import free_ports
from tests.support.waiting import wait_for

UP = 4
"""Seconds in which a release is up for sure, also on a busy machine: then what it does wrong is seen."""

T = TypeVar("T")


def process_of(node: Node) -> int:
    """The process that a new client reaches."""
    return int(modern_call(node.url(), "whoami").split()[1])


def json_files(node: Node) -> dict[Path, int]:
    """When each was written; not what clients did meanwhile."""
    return {path: path.stat().st_mtime_ns for path in node.root.rglob("*.json") if path.name != "eras.json"}


def test_a_first_deployment_serves_at_its_route_and_a_second_run_does_nothing(node: Node) -> None:
    assert node.update("1.0.0").to_json()["changed"]
    before = process_of(node)
    files = json_files(node)
    second = node.update("1.0.0").to_json()
    assert (second["changed"], second["plan"], second["active"]["version"]) == (False, [], "1.0.0")
    assert process_of(node) == before
    assert json_files(node) == files


def test_check_mode_foresees_just_what_a_run_then_does_and_changes_nothing(node: Node) -> None:
    node.update("1.0.0")
    foreseen = node.converger(box(node, "2.0.0")).present("settled", apply=False)
    assert version(node) == "1.0.0"
    assert not list((node.root / "releases").glob("pypi/*/2.0.0*"))
    done = node.update("2.0.0")
    assert foreseen.plan.lines() == done.plan.lines() == [step["step"] for step in done.report.steps]
    assert foreseen.after == done.after


def test_a_session_keeps_its_state_through_an_update_and_then_ends(node: Node) -> None:
    node.update("1.0.0")
    session = LegacySession(node.url())
    session.call("remember", value="x")
    updating = threading.Thread(target=node.update, args=("2.0.0",))
    updating.start()
    while version(node) != "2.0.0":
        assert session.call("recall") == "x"
    assert session.call("whoami").split()[0] == "1.0.0"
    session.close()
    updating.join(20)
    assert not updating.is_alive()
    [entry] = servers_of(node.host(), None)
    assert {slot: item["state"] for slot, item in entry["slots"].items()} in (
        {"blue": "stopped", "green": "running"},
        {"blue": "stopped", "green": "starting"},
    )


def test_a_session_that_outlives_the_drain_is_cut_counted_and_gets_404(node: Node) -> None:
    node.update("1.0.0")
    session = LegacySession(node.url())
    outcome = node.update("2.0.0", update={"drain": 1}).to_json()
    assert outcome["drained"]["sessions_cut"] == 1
    status, _headers, _body = post(node.url(), {"method": "tools/list"}, session.headers)
    assert status == 404


def test_a_call_under_way_is_finished_by_the_release_it_began_on(node: Node) -> None:
    node.update("1.0.0")
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(modern_call(node.url(), "slow", {"seconds": 3})))
    slow.start()
    time.sleep(0.2)
    node.update("2.0.0")
    slow.join(10)
    assert answers[0].startswith("1.0.0 ")


def test_a_rollback_returns_to_the_release_before_and_a_second_one_does_nothing(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    outcome = node.roll_back("2.0.0").to_json()
    assert (version(node), outcome["rolled_back"], outcome["last"]["outcome"]) == (
        "1.0.0",
        True,
        "rolled back",
    )
    assert not node.roll_back("2.0.0").to_json()["changed"]
    assert version(node) == "1.0.0"


def test_a_rollback_needs_no_registry_and_no_installer(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    layout = json.loads(node.config.read_text())
    node.config.write_text(json.dumps({**layout, "uv": "/nowhere/uv", "npm": []}))
    node.roll_back("2.0.0")
    assert version(node) == "1.0.0"


def test_going_back_from_what_is_unfinished_leaves_a_finished_update_alone(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    assert not node.roll_back("2.0.0", unfinished_only=True).to_json()["changed"]
    assert version(node) == "2.0.0"


@pytest.mark.parametrize(
    ("bad", "definition", "said"),
    [
        ("2.17.0", {}, "tool recall for legacy clients is gone"),
        ("2.17.0", {"require": {"tools": ["recall"]}}, "in the era legacy it lacks the required tool recall"),
        ("2.1.0", {}, "tool recall is gone"),
        ("2.1.0", {"require": {"tools": ["recall"]}}, "lacks the required tool recall"),
        ("2.2.0", {}, "cannot open the database"),
        ("2.3.0", {"update": {"ready_timeout": 1}}, "listened on nothing within 1 s"),
        ("2.4.0", {"update": {"ready_timeout": UP}}, "it listens on port"),
        ("2.5.0", {"update": {"ready_timeout": UP}}, "does not speak MCP there"),
        ("2.6.0", {}, "era modern is no longer served"),
        (
            "2.7.0",
            {"require": {"calls": [{"tool": "whoami", "expect": "starts_with(content[0].text, '2')"}]}},
            "the required call of whoami went wrong",
        ),
        ("9.9.9", {}, "fleet-test-server"),
        ("2.0.0", {"command": "nothing"}, "nothing"),
        ("2.0.0", {"path": "/elsewhere", "update": {"ready_timeout": UP}}, "Check path (/elsewhere)"),
    ],
)  # fmt: skip
def test_a_release_that_is_no_good_is_undone_and_the_old_one_serves_on(
    node: Node, bad: str, definition: dict[str, Any], said: str
) -> None:
    node.update("1.0.0")
    session, before = LegacySession(node.url()), process_of(node)
    with pytest.raises(UpdateFailed) as caught:
        node.update(bad, **definition)
    assert said in str(caught.value)
    assert str(caught.value).startswith("box: ")
    assert "s3cr3t-value" not in str(caught.value)
    assert (process_of(node), session.call("whoami").split()[0]) == (before, "1.0.0")
    record = node.host().journal.load("box")
    assert (record.transaction, list(record.slots)) == (None, ["blue"])
    session.close()
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_the_log_of_a_failed_release_stays_until_something_else_runs_in_its_slot(node: Node) -> None:
    node.update("1.0.0")
    with pytest.raises(UpdateFailed):
        node.update("2.2.0")
    log = node.root / "logs" / "box-green.log"
    assert "cannot open the database" in log.read_text()
    node.update("2.0.0")
    assert "cannot open the database" not in log.read_text()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("2.9.0", "its process ended by itself"),
        ("2.10.0", "health checks in a row failed|failed at the edge"),
        ("2.11.0", "health checks in a row failed|failed at the edge"),
        ("2.12.0", "it answers in"),
    ],
)
def test_a_release_that_goes_bad_after_the_switch_is_rolled_back_to_the_warm_slot(
    node: Node, bad: str, said: str
) -> None:
    node.update("1.0.0")
    before = process_of(node)
    with pytest.raises(UpdateFailed) as caught:
        node.update(bad, update={"bake": 12})
    outcome = caught.value.outcome.to_json()
    assert re.search(said, str(caught.value))
    assert outcome["rolled_back"]
    assert [step["step"] for step in outcome["steps"]].count("switched") == 2
    assert process_of(node) == before
    last = node.host().journal.load("box").last
    assert last and (last.outcome, bool(re.search(said, last.reason or ""))) == ("rolled back", True)


def test_a_mistake_of_our_own_in_the_bake_is_a_rollback_that_says_where_it_is(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_arguments: object) -> None:
        raise TypeError("unhashable type: 'list'")

    node.update("1.0.0")
    monkeypatch.setattr(Bake, "_check_contract", mistaken)
    with pytest.raises(UpdateFailed, match=r"TypeError: unhashable type: 'list' \(.*line \d+\).*a defect of"):
        node.update("2.0.0", update={"bake": 2})
    assert (version(node), node.host().journal.load("box").transaction) == ("1.0.0", None)


def test_errors_of_real_traffic_in_the_bake_roll_back(node: Node) -> None:
    node.update("1.0.0")
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            post(node.url(), {"method": "tools/call", "params": {"name": "whoami"}})

    clients = [threading.Thread(target=traffic) for _time in range(3)]
    for client in clients:
        client.start()
    try:
        with pytest.raises(UpdateFailed):
            node.update("2.10.0", update={"bake": 10})
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert version(node) == "1.0.0"


def test_a_breaking_release_is_taken_when_its_owner_allows_it(node: Node) -> None:
    node.update("1.0.0")
    outcome = node.update("2.1.0", update={"on_breaking": "allow"}).to_json()
    assert version(node) == "2.1.0"
    assert outcome["contract"]["breaking"] == ["tool recall is gone"]


def test_a_failed_update_leaves_the_way_back_to_the_release_before(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    with pytest.raises(UpdateFailed):
        node.update("2.2.0")
    node.roll_back("2.0.0")
    assert version(node) == "1.0.0"


def test_a_failed_first_deployment_leaves_nothing_that_serves(node: Node) -> None:
    with pytest.raises(UpdateFailed):
        node.update("2.2.0")
    assert post(node.url(), {"method": "ping"})[0] == 404
    assert node.host().journal.load("box").slots == {}
    node.update("1.0.0")
    assert version(node) == "1.0.0"


def test_a_changed_argument_or_credential_is_an_update_of_the_same_release(node: Node) -> None:
    node.update("1.0.0")
    first = process_of(node)
    assert node.update("1.0.0", arguments=["--port", "{port}", "--say", "x"]).to_json()["changed"]
    second = process_of(node)
    changed = node.update(
        "1.0.0", arguments=["--port", "{port}", "--say", "x"], credentials={"SECRET": "other"}
    )
    assert changed.to_json()["changed"]
    assert len({first, second, process_of(node)}) == 3
    assert environment_of(process_of(node))["SECRET"] == "other"


def test_a_changed_route_moves_the_server_without_a_new_process(node: Node) -> None:
    node.update("1.0.0")
    before = process_of(node)
    outcome = node.update("1.0.0", route="/somewhere/else")
    assert outcome.plan.lines() == ["edge"]
    assert post(node.url(), {"method": "ping"})[0] == 404
    assert int(modern_call(node.url("somewhere/else"), "whoami").split()[1]) == before


def test_credentials_are_in_no_process_list_file_of_others_log_or_result(node: Node) -> None:
    outcome = node.update("1.0.0")
    pid = process_of(node)
    assert environment_of(pid)["SECRET"] == "s3cr3t-value"
    assert b"s3cr3t-value" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert "s3cr3t-value" not in json.dumps(outcome.to_json())
    holding = [
        path for path in node.root.rglob("*") if path.is_file() and b"s3cr3t-value" in path.read_bytes()
    ]
    assert holding and all(path.stat().st_mode & 0o077 == 0 for path in holding)
    assert {path.name for path in holding} == {"credentials.json"}


def test_phases_one_by_one_are_an_update(node: Node) -> None:
    node.update("1.0.0")
    staged = node.update("2.0.0", "staged").to_json()
    assert (version(node), staged["pending"], staged["transaction"]["step"]) == ("1.0.0", True, "ready")
    active = node.update("2.0.0", "active").to_json()
    assert (version(node), active["pending"], active["transaction"]["step"]) == ("2.0.0", True, "baked")
    settled = node.update("2.0.0", "settled").to_json()
    assert (settled["pending"], settled["transaction"]) == (False, None)


@pytest.mark.parametrize("phase", ["staged", "active"])
def test_what_is_under_way_is_undone_or_finished_when_the_wish_changes(node: Node, phase: str) -> None:
    node.update("1.0.0")
    node.update("2.0.0", phase)
    node.update("3.0.0")
    assert version(node) == "3.0.0"
    assert node.host().journal.load("box").transaction is None


def test_an_update_under_way_is_undone_by_a_rollback(node: Node) -> None:
    node.update("1.0.0")
    before = process_of(node)
    node.update("2.0.0", "active")
    assert version(node) == "2.0.0"
    node.roll_back("2.0.0", unfinished_only=True)
    assert process_of(node) == before


def test_a_killed_run_is_finished_by_the_next(node: Node) -> None:
    node.update("1.0.0")
    script = (
        "import sys, json; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from tests.support.node import Node, box\n"
        f"node = Node(Path({str(node.root)!r}), Path({str(node.cache)!r}))\n"
        f"node.slot_ports = {node.slot_ports!r}\n"
        "print('begun', flush=True)\n"
        "node.update('2.0.0', update={'bake': 60})\n"
    )

    def switched() -> bool:
        change = node.host().journal.load("box").transaction
        return change is not None and change.reached("switched")

    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as run:
        wait_for(switched, "clients are switched")
        run.send_signal(signal.SIGKILL)
    outcome = node.update("2.0.0", update={"bake": 1}).to_json()
    assert (version(node), outcome["transaction"], outcome["plan"][:2]) == ("2.0.0", None, ["prove", "baked"])


def test_a_taken_port_is_named_with_its_holder_and_nothing_is_changed(node: Node) -> None:
    node.update("1.0.0")
    with socket.create_server(("127.0.0.1", node.slot_ports[1])), pytest.raises(UpdateFailed) as caught:
        node.update("2.0.0")
    assert f"the port is taken by process {os.getpid()}" in str(caught.value)
    assert version(node) == "1.0.0"


def test_a_stopped_edge_is_an_error_before_anything_is_done(node: Node) -> None:
    node.update("1.0.0")
    node.supervisorctl("stop", "edge")
    with pytest.raises(FleetError, match="Start the edge"):
        node.update("2.0.0")
    assert node.host().journal.load("box").transaction is None
    node.supervisorctl("start", "edge")
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_an_active_process_that_was_stopped_by_hand_is_started_again(node: Node) -> None:
    node.update("1.0.0")
    node.host().driver.stop("box", "blue", 3)
    outcome = node.update("1.0.0")
    assert outcome.plan.lines() == ["restart"]
    assert version(node) == "1.0.0"


def test_a_second_run_at_once_waits_for_the_first_and_finds_nothing_to_do(node: Node) -> None:
    outcomes = []
    runs = [threading.Thread(target=lambda: outcomes.append(node.update("1.0.0"))) for _time in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert sorted(outcome.plan.changes for outcome in outcomes) == [False, True]


def test_the_route_of_another_server_is_refused_and_both_serve_on(node: Node) -> None:
    node.update("1.0.0")
    for apply in (False, True):
        other = box(node, "2.0.0", name="other", route="/box", ports=free_ports(2))
        with pytest.raises(FleetError, match="box is served there"):
            node.converger(other).present("settled", apply)
    assert version(node) == "1.0.0"
    assert not node.update("1.0.0").to_json()["changed"]


def test_a_credential_that_a_server_says_in_its_answers_reaches_neither_error_nor_journal(node: Node) -> None:
    node.update("1.0.0")
    wanted = {"calls": [{"tool": "secret", "expect": "isError"}]}
    with pytest.raises(UpdateFailed) as caught:
        node.update("2.0.0", require=wanted)
    assert "the required call of secret went wrong" in str(caught.value)
    assert "s3cr3t-value" not in str(caught.value)
    assert "s3cr3t-value" not in (node.root / "state/box/journal.json").read_text()


def test_two_servers_of_a_node_get_ports_of_their_own(node: Node) -> None:
    ports = free_ports(4)
    layout = json.loads(node.config.read_text())
    node.config.write_text(json.dumps({**layout, "ports": [min(ports), max(ports) + 50]}))
    for name in ("one", "two"):
        node.converger(box(node, "1.0.0", name=name, ports=None)).present("settled", apply=True)
    records = [node.host().journal.load(name) for name in ("one", "two")]
    assert len({port for record in records for port in record.ports}) == 4
    assert modern_call(node.url("one"), "whoami") != modern_call(node.url("two"), "whoami")


def test_a_port_to_which_the_edge_sends_clients_is_given_to_no_other_server(node: Node) -> None:
    ports = free_ports(4)
    layout = json.loads(node.config.read_text())
    node.config.write_text(json.dumps({**layout, "ports": [min(ports), max(ports) + 50]}))
    node.converger(box(node, "1.0.0", name="one", ports=None)).present("settled", apply=True)
    host = node.host()
    [lost] = set(host.edge.ports())
    # All that is left of it is its route: nothing listens, and no record says whose port it is.
    host.driver.stop("one", "blue", 3)
    host.driver.remove("one", "blue")
    (node.root / "state" / "one" / "journal.json").unlink()
    node.converger(box(node, "1.0.0", name="two", ports=None)).present("settled", apply=True)
    assert lost not in node.host().journal.load("two").ports
