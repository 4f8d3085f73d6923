# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending slots: by themselves, by force, and what had slipped away."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import listeners, tree
from tests.integration.slot.node import Cut, Node, RecordingEffects, answer, ask, gone
from tests.support.waiting import wait_for


@pytest.mark.parametrize(
    ("behaviour", "timeout", "how"),
    [("polite", 5, "exited"), ("", 5, "terminated"), ("stubborn", 0.3, "killed"), ("child", 5, "terminated")],
)
def test_a_stop_ends_the_process_and_says_how(
    node: Node, port: int, behaviour: str, timeout: float, how: str
) -> None:
    pid = node.started(node.spec(port, *behaviour.split()))["pid"]
    report = node.driver.stop("time", "blue", timeout)
    assert (report.how, report.strays) == (how, 0)
    assert gone({pid}) and ask(port) is None
    assert node.driver.status("time", "blue").state == "stopped"


def test_a_server_is_asked_to_end_only_once(node: Node, port: int) -> None:
    """A second SIGTERM makes some servers drop what they are doing."""
    node.started(node.spec(port, "polite"))
    assert node.driver.stop("time", "blue", 5).how == "exited"
    assert node.driver.log_tail("time", "blue") == "asked to end"


@pytest.mark.parametrize("behaviour", ["stray", "stray bare"])
def test_a_stop_ends_what_left_the_group_too(node: Node, port: int, behaviour: str) -> None:
    node.started(node.spec(port, *behaviour.split()))
    (stray,) = listeners(port)[0].pids
    report = node.driver.stop("time", "blue", 0.5)
    assert (report.how, report.strays) == ("killed", 1)
    assert gone({stray})


def test_a_stop_ends_what_outlived_its_parent(node: Node, port: int) -> None:
    spec = node.spec(port, "stray")
    stray = node.started(spec)["pid"]
    node.end()  # supervisord ends the group; the stray is nobody's child from now on
    node.start()
    node.driver.stop("time", "blue", 0.5)
    assert gone({stray}) and not listeners(port)


def test_the_time_until_force_is_not_longer_than_the_slot_was_started_with(node: Node, port: int) -> None:
    node.started(node.spec(port, "stubborn", stop_timeout=0.3))
    report = node.driver.stop("time", "blue", 600)
    assert report.how == "killed" and report.seconds < 60


def test_stopping_what_is_stopped_changes_nothing(node: Node, port: int) -> None:
    assert node.driver.stop("time", "blue", 5).how == "already stopped"
    node.started(node.spec(port))
    node.driver.stop("time", "blue", 5)
    node.effects.acts.clear()
    assert node.driver.stop("time", "blue", 5).how == "already stopped"
    assert node.effects.acts == []


def test_a_stopped_slot_starts_again(node: Node, port: int) -> None:
    spec = node.spec(port)
    first = node.started(spec)["pid"]
    node.driver.stop("time", "blue", 5)
    assert not node.driver.runs(spec)
    assert node.started(spec)["pid"] != first


def test_a_process_of_another_program_is_left_alone(node: Node, port: int) -> None:
    """It has the same command line, and the slot's name, but another fleet's folder, in its environment."""
    spec = node.spec(port)
    other = {**os.environ, "MCP_FLEET_SLOT": "time/blue", "MCP_FLEET_SLOTS": "/somewhere/else"}
    with subprocess.Popen(spec.argv, env=other, start_new_session=True) as process:
        try:
            answer(port)
            node.driver.start(spec)
            node.driver.stop("time", "blue", 1)
            assert answer(port)["pid"] == process.pid
        finally:
            process.kill()


def test_wherever_a_start_is_cut_off_the_next_one_makes_it_good(node: Node, port: int) -> None:
    old, new = node.spec(port), node.spec(port, "new", credentials={"TOKEN": "two"})
    for cut in range(100):
        node.started(old)
        try:
            node.driver_with(RecordingEffects(cut)).start(new)
        except Cut:
            assert node.started(new)["argv"] == [str(port), "new"]
            assert len(node.launched()) == 1 and node.driver.runs(new)
            continue
        assert cut > 10
        return


def test_wherever_a_stop_is_cut_off_the_next_one_ends_all(node: Node, port: int) -> None:
    for cut in range(100):
        node.started(node.spec(port, "stray", stop_timeout=0.2))
        pids = tree(node.launched()[0].pid)
        try:
            node.driver_with(RecordingEffects(cut)).stop("time", "blue", 5)
        except Cut:
            node.driver.stop("time", "blue", 5)
            assert gone(pids) and not node.launched()
            assert node.driver.status("time", "blue").state == "stopped"
            continue
        assert cut > 3
        return


def test_a_slot_that_is_stopping_is_started_anew(node: Node, port: int) -> None:
    spec = node.spec(port, "stubborn", stop_timeout=0.5)
    first = node.started(spec)["pid"]
    with pytest.raises(Cut):  # the module is ended right after it asked supervisord to stop the process
        node.driver_with(RecordingEffects(3)).stop("time", "blue", 5)
    os.kill(first, 0)
    assert node.started(spec)["pid"] != first
    assert gone({first})


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder in which files come and go."""
    size = 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def test_a_server_that_floods_is_stopped_and_its_log_stays_small(node: Node, port: int) -> None:
    node.started(node.spec(port, "flood"))
    older = node.logs / "time-blue.log.1"
    wait_for(older.exists, "its log is turned over")
    assert size_of(node.logs) < 12 * 1024 * 1024
    assert node.driver.log_tail("time", "blue").count("to be, or not to be") in range(1, 21)
    assert node.driver.stop("time", "blue", 5).how in ("terminated", "killed")
    assert not node.launched()
