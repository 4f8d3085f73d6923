# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots on a real supervisord: start, status, what reaches the process."""

from __future__ import annotations

import dataclasses
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import owns_port, tree
from tests.integration.slot.node import LAUNCHER, Node, answer, ask, running
from tests.support.ports import free_ports
from tests.support.waiting import wait_for

ODD = (
    *("two words", "", "'single' \"double\"", "100% %(here)s %%", "a;b ;c #d"),
    *("line\nbreak", "grüße 🌍", "$(id) `id` \\"),
)


def test_a_slot_runs_what_its_description_says(node: Node, port: int) -> None:
    spec = node.spec(port, environment={"GREETING": "hello"}, directory="/")
    process = node.driver.start(spec)
    facts = answer(port)
    assert (process.state, process.pid) == ("starting", facts["pid"])
    assert (facts["directory"], facts["umask"], facts["environment"]["GREETING"]) == ("/", 0o077, "hello")
    assert facts["environment"]["MCP_FLEET_SLOT"] == "time/blue"
    listener = owns_port(facts["pid"], port)
    assert listener is not None and listener.address == "127.0.0.1"
    wait_for(lambda: node.driver.status("time", "blue").state == "running", "it counts as running")
    assert node.driver.status("time", "green").state == "absent"


def test_a_supervised_process_sees_only_the_base_of_the_environment(
    node: Node, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODY_ELSES", "value")
    node.end()
    node.start()
    seen = set(node.started(node.spec(port, environment={"MINE": "1"}))["environment"])
    own = {"MINE", "MCP_FLEET_SLOT", "MCP_FLEET_SLOTS", "MCP_FLEET_CLIENT"}
    # LC_CTYPE is the doing of a Python that runs in the C locale.
    assert own < seen <= own | {"PATH", "HOME", "LANG", "TMPDIR", "LC_CTYPE"}


def test_arguments_and_environment_reach_the_process_unchanged(node: Node, port: int) -> None:
    variables = {f"VALUE_{number}": value for number, value in enumerate(ODD)}
    secrets = {f"SECRET_{number}": value for number, value in enumerate(ODD)}
    facts = node.started(node.spec(port, *ODD, environment=variables, credentials=secrets))
    assert facts["argv"] == [str(port), *ODD]
    assert {name: facts["environment"][name] for name in (*variables, *secrets)} == {**variables, **secrets}


def test_folders_with_odd_names_work(tmp_path: Path, port: int) -> None:
    with running(tmp_path / "a ;b #c 5% 'q' ü") as node:
        assert node.started(node.spec(port, "chatty"))["argv"] == [str(port), "chatty"]
        tail = wait_for(lambda: node.driver.log_tail("time", "blue"), "its log has a line")
        assert "MCP_FLEET_SLOT" in tail
        assert node.driver.stop("time", "blue", 5).how == "terminated"


def test_a_folder_whose_name_no_configuration_can_hold_is_refused(tmp_path: Path, port: int) -> None:
    with running(tmp_path / "node") as node:
        driver = node.driver_with(node.effects, (*LAUNCHER, "two\nlines"))
        with pytest.raises(FleetError, match="line break"):
            driver.start(node.spec(port))
        assert not list(node.programs.iterdir())


def test_credentials_reach_the_process_and_show_nowhere_else(node: Node, port: int) -> None:
    secret = "s3cret-token-0815"
    spec = node.spec(port, "child", credentials={"API_TOKEN": secret})
    assert node.started(spec)["environment"]["API_TOKEN"] == secret
    pids = tree(node.launched()[0].pid)
    assert len(pids) == 2
    shown = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    files = [path for path in node.root.rglob("*") if path.is_file() and path.name != "credentials.json"]
    assert len(files) > 4
    shown += [path.read_text() for path in files] + [repr(spec), *node.effects.acts]
    assert not [text for text in shown if secret in text]
    folder = node.root / "slots/time/blue"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_credential_that_a_server_prints_is_masked_in_its_log_tail(node: Node, port: int) -> None:
    node.started(node.spec(port, "chatty", credentials={"API_TOKEN": "s3cret-token-0815"}))
    tail = wait_for(lambda: node.driver.log_tail("time", "blue"), "it prints its environment")
    assert "'API_TOKEN': '********'" in tail


def test_starting_the_same_twice_changes_nothing(node: Node, port: int) -> None:
    spec = node.spec(port, credentials={"TOKEN": "one"})
    pid = node.started(spec)["pid"]
    node.effects.acts.clear()
    assert node.driver.runs(spec)
    assert node.driver.start(spec).pid == pid
    assert (node.effects.acts, answer(port)["pid"]) == ([], pid)


@pytest.mark.parametrize("change", ["argument", "environment", "credential"])
def test_a_changed_description_replaces_the_process(node: Node, port: int, change: str) -> None:
    spec = node.spec(port, credentials={"TOKEN": "one"})
    changed = {
        "argument": dataclasses.replace(spec, argv=(*spec.argv, "more")),
        "environment": dataclasses.replace(spec, environment={"LEVEL": "2"}),
        "credential": dataclasses.replace(spec, credentials={"TOKEN": "two"}),
    }[change]
    before = node.started(spec)
    assert not node.driver.runs(changed)
    after = node.started(changed)
    assert after["pid"] != before["pid"]
    assert after != {**before, "pid": after["pid"]}
    assert [process.pid for process in node.launched()] == [after["pid"]]


def test_the_slots_of_a_server_do_not_touch_each_other(node: Node, port: int) -> None:
    blue = node.started(node.spec(port))["pid"]
    other = free_ports(1)[0]
    green = node.spec(other, slot="green")
    node.started(green)
    node.started(dataclasses.replace(green, environment={"CHANGED": "1"}))
    node.driver.stop("time", "green", 5)
    node.driver.remove("time", "green")
    assert ask(other) is None
    assert answer(port)["pid"] == blue == node.driver.status("time", "blue").pid


def test_drivers_at_work_at_once_start_each_slot_once(node: Node, port: int) -> None:
    first = node.started(node.spec(port))["pid"]
    ports = {f"server-{number}": free_ports(1)[0] for number in range(4)}
    specs = [node.spec(each, server=server) for server, each in ports.items()]
    threads = [threading.Thread(target=node.driver_with(node.effects).start, args=(spec,)) for spec in specs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pids = {answer(each)["pid"] for each in ports.values()} | {answer(port)["pid"]}
    assert len(pids) == 5 and first in pids
    assert {process.pid for process in node.launched()} == pids


def test_two_nodes_of_one_machine_keep_their_slots_apart(node: Node, tmp_path: Path, port: int) -> None:
    with running(tmp_path / "second") as second:
        pid = node.started(node.spec(port))["pid"]
        second.started(second.spec(free_ports(1)[0]))
        second.driver.stop("time", "blue", 5)
        assert answer(port)["pid"] == pid


def test_without_supervisord_the_error_names_its_socket(tmp_path: Path, port: int) -> None:
    node = Node(tmp_path / "node")
    with pytest.raises(FleetError) as caught:
        node.driver.start(node.spec(port))
    assert str(node.socket) in str(caught.value)
    assert "Start supervisord" in caught.value.cure
    assert node.effects.acts == []


def test_a_file_in_the_place_of_the_socket_is_named_as_such(tmp_path: Path) -> None:
    node = Node(tmp_path / "node")
    node.socket.write_text("")
    with pytest.raises(FleetError, match="supervisor.sock"):
        node.driver.status("time", "blue")


def test_a_file_that_supervisord_cannot_read_is_named_and_ours_taken_back(node: Node, port: int) -> None:
    broken = node.programs / "broken.conf"
    broken.write_text("[program:broken]\ncommand = /bin/sleep %(nothing)s\n")
    with pytest.raises(FleetError, match=r"broken\.conf"):
        node.driver.start(node.spec(port))
    assert list(node.programs.iterdir()) == [broken]
    broken.unlink()
    assert node.started(node.spec(port))["pid"]


def test_a_missing_launch_program_is_named(node: Node, port: int) -> None:
    driver = node.driver_with(node.effects, ("/nowhere/python", "mcp-launch"))
    with pytest.raises(FleetError, match="/nowhere/python"):
        driver.start(node.spec(port))


@pytest.mark.parametrize(
    ("server", "slot"), [("../time", "blue"), ("time", "../blue"), ("", "blue"), ("a b", "blue")]
)
def test_names_that_lead_elsewhere_are_refused(node: Node, server: str, slot: str) -> None:
    with pytest.raises(FleetError):
        node.driver.status(server, slot)
    with pytest.raises(FleetError):
        node.driver.remove(server, slot)


def test_a_removed_slot_leaves_nothing(node: Node, port: int) -> None:
    node.started(node.spec(port, "chatty"))
    wait_for(lambda: node.driver.log_tail("time", "blue"), "its log has a line")
    node.driver.remove("time", "blue")
    assert node.driver.status("time", "blue").state == "absent"
    assert [*node.programs.iterdir(), *node.logs.iterdir(), *(node.root / "slots").iterdir()] == []
    assert not node.launched()
