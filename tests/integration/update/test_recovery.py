# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that was killed, and what the host's own program makes of it, with no further run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.lookup.recovery_archive import archive
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record
from tests.support.client import LegacySession, modern_call, post
from tests.support.node import Node, version
from tests.support.waiting import wait_for

KILLED = """
import json, os, signal, sys
from pathlib import Path
from tests.support.node import Node, box
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects

root, cache, ports, verb, version, kind, step, changes = json.loads(sys.argv[1])
node = Node(Path(root), Path(cache))
node.slot_ports = ports
journal = Path(root) / "state" / "box" / "journal.json"

class Killed(Effects):
    def act(self, name, target, function):
        transaction = json.loads(journal.read_text())["transaction"]
        if transaction and (transaction["kind"], transaction["step"]) == (kind, step):
            os.kill(os.getpid(), signal.SIGKILL)
        return function()

converger = node.converger(box(node, version, **changes), Killed())
{
    "present": lambda: converger.present("settled", apply=True),
    "rolled_back": lambda: converger.rolled_back(False, apply=True),
    "absent": lambda: converger.absent(apply=True),
}[verb]()
"""
"""Kills itself before its first act after the journal has a step of a change as its last."""


def kill(node: Node, verb: str, version: str, kind: str, step: str | None, **changes: Any) -> None:
    """Begin a run, which is killed after a step."""
    asked = [str(node.root), str(node.cache), node.slot_ports, verb, version, kind, step, changes]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", KILLED, json.dumps(asked)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL


def recover(node: Node, after: float = 0.001) -> tuple[int, str]:
    """Run what a timer runs on hosts with systemd, and as bare; its exit code, and what it says."""
    program = node.root / "libexec" / "mcp-recover.pyz"
    program.write_bytes(archive())
    argv = [sys.executable, "-I", str(program), f"--config={node.config}", f"--after={after}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={}, cwd="/")
    assert done.stderr == "" and "s3cr3t-value" not in done.stdout
    return done.returncode, done.stdout


def record_of(node: Node) -> Record:
    return node.host().journal.load("box")


def test_nothing_is_said_or_done_where_nothing_was_cut_off(node: Node) -> None:
    assert recover(node) == (0, "")
    node.update("1.0.0")
    before = record_of(node)
    assert recover(node) == (0, "")
    assert record_of(node) == before


def test_what_clients_used_is_written_down_at_each_look(node: Node) -> None:
    node.update("1.0.0")
    modern_call(node.url(), "whoami")
    assert recover(node) == (0, "")
    kept = json.loads((node.root / "state" / "box" / "eras.json").read_text())
    assert list(kept["eras"]) == ["modern"]


@pytest.mark.parametrize(
    ("step", "serves", "said"),
    [("staged", "1.0.0", "undone"), ("started", "1.0.0", "undone"), ("switched", "1.0.0", "undone"),
     ("baked", "2.0.0", "finished"), ("drained", "2.0.0", "finished")],
)  # fmt: skip
def test_what_passed_its_bake_is_finished_and_the_rest_undone(
    node: Node, step: str, serves: str, said: str
) -> None:
    node.update("1.0.0")
    session = LegacySession(node.url())
    kill(node, "present", "2.0.0", "update", step, update={"drain": 0})
    assert recover(node, after=900)[0] == 0
    left = record_of(node).transaction
    assert left and left.step == step
    code, line = recover(node)
    assert (code, line.count("\n")) == (0, 1)
    assert f"; {said}; serves: fleet-test-server@{serves}" in line
    record = record_of(node)
    assert (version(node), record.transaction) == (serves, None)
    if serves == "1.0.0":
        assert session.call("whoami").split()[0] == "1.0.0"
    processes = {slot: node.host().driver.status("box", slot).pid for slot in ("blue", "green")}
    assert [slot for slot, pid in processes.items() if pid] == ["green" if serves == "2.0.0" else "blue"]
    begun, ended = check(node.host().trail.parts()).lines[-2:]
    assert (begun.fields["action"], begun.fields["who"]["user"]) == ("recovery", "mcp-recover")
    assert (ended.fields["result"], ended.fields["after"]["package"][-5:]) == ("done", serves)
    assert recover(node) == (0, "")
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_what_was_proven_and_reaches_no_client_is_left_to_the_next_run(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "ready")
    before = record_of(node)
    code, line = recover(node)
    assert (code, "left to the next run" in line, version(node)) == (0, True, "1.0.0")
    assert record_of(node) == before
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_rollback_that_was_begun_is_gone_on_with(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    kill(node, "rolled_back", "2.0.0", "rollback", None)
    assert version(node) == "2.0.0"
    assert recover(node)[0] == 0
    assert (version(node), record_of(node).transaction) == ("1.0.0", None)


def test_a_removal_that_was_begun_is_gone_on_with(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "absent", "1.0.0", "remove", None, update={"drain": 0})
    code, line = recover(node)
    assert (code, "removed; serves: nothing" in line) == (0, True)
    assert post(node.url(), {"method": "ping"})[0] == 404
    assert node.host().journal.servers() == []
    assert recover(node) == (0, "")


def test_the_launcher_of_a_stdio_server_leads_back_to_the_release_before(node: Node) -> None:
    node.update("1.0.0", transport="stdio")
    kill(node, "present", "2.0.0", "update", "switched", transport="stdio")
    assert node.host().launchers.pointed("box") == "green"
    assert recover(node)[0] == 0
    assert (node.host().launchers.pointed("box"), record_of(node).transaction) == ("blue", None)


def test_a_change_that_somebody_is_at_work_on_is_left_to_them(node: Node) -> None:
    node.update("1.0.0")
    updating = threading.Thread(target=node.update, args=("2.0.0",), kwargs={"update": {"bake": 4}})
    updating.start()
    wait_for(lambda: version(node) == "2.0.0", "clients are switched")
    code, line = recover(node)
    updating.join(30)
    assert (code, "another run is at work on it" in line) == (0, True)
    assert (version(node), record_of(node).active) == ("2.0.0", "green")


def edit(node: Node, **changes: Any) -> None:
    """Change the transaction of the record; what is None goes."""
    path = node.root / "state" / "box" / "journal.json"
    raw = json.loads(path.read_text())
    raw["transaction"].update(changes)
    raw["transaction"] = {key: value for key, value in raw["transaction"].items() if changes.get(key, key)}
    path.write_text(json.dumps(raw))


def test_a_restart_of_the_host_is_reason_enough(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "switched")
    assert "mcp_recover_after is 0" in recover(node, after=0)[1]
    edit(node, progressed={"wall": time.time(), "since_boot": 1.0, "boot": "the boot before"})
    assert "the host was restarted in the middle of it; undone" in recover(node, after=0)[1]
    assert version(node) == "1.0.0"


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"definition": None, "progressed": None}, "an older version of the collection began it"),
     ({"definition": {"name": "box"}}, "another version of the collection began it")],
)  # fmt: skip
def test_a_record_without_what_it_takes_is_left_to_the_next_run_and_told(
    node: Node, changes: dict[str, Any], said: str
) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "switched")
    edit(node, **changes)
    code, line = recover(node)
    assert (code, line.startswith("<4>"), said in line) == (0, True, True)
    assert node.update("2.0.0", update={"bake": 0.1}).plan.steps[0] == "baked"
    assert version(node) == "2.0.0"


def test_a_failure_is_told_with_its_cure_and_the_next_try_goes_on(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "switched")
    control = ["-m", "supervisor.supervisorctl", "-c", str(node.root / "etc" / "supervisord.conf")]
    subprocess.run([sys.executable, *control, "stop", "edge"], check=True, capture_output=True)
    code, line = recover(node)
    assert (code, line.startswith("<3>box: "), "Start the edge" in line) == (1, True, True)
    assert record_of(node).transaction
    subprocess.run([sys.executable, *control, "start", "edge"], check=True, capture_output=True)
    assert recover(node)[0] == 0
    assert version(node) == "1.0.0"


def test_a_release_that_no_longer_answers_is_not_finished(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "baked")
    node.host().driver.stop("box", "green", 3)
    code, line = recover(node)
    assert (code, "its process ended by itself" in line) == (1, True)
    assert node.host().driver.status("box", "blue").pid


def test_a_journal_that_is_damaged_keeps_no_other_server_from_its_turn(node: Node) -> None:
    node.update("1.0.0")
    kill(node, "present", "2.0.0", "update", "switched")
    (node.root / "state" / "aaa").mkdir()
    (node.root / "state" / "aaa" / "journal.json").write_text("{")
    code, lines = recover(node)
    assert (code, "aaa: read the journal" in lines, version(node)) == (1, True, "1.0.0")
