# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back by itself, and what must not: crashes of servers and of supervisord."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import identities, listeners, tree
from tests.integration.slot.node import Node, answer, ask, both_slots, gone
from tests.support.ports import free_ports
from tests.support.waiting import wait_for


def test_a_server_that_crashes_is_started_again(node: Node, port: int) -> None:
    first = node.started(node.spec(port))["pid"]
    wait_for(lambda: node.driver.status("time", "blue").state == "running", "it counts as running")
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (ask(port) or {}).get("pid"), "it answers again")
    assert second not in (None, first)


def test_a_server_comes_back_by_itself_when_what_it_needs_is_there_after_some_of_its_starts(
    node: Node, port: int, tmp_path: Path
) -> None:
    needed = tmp_path / "mount"
    node.driver.start(node.spec(port, "until", str(needed)))
    wait_for(
        lambda: node.driver.log_tail("time", "blue").count("no licence") > 4,
        "it was started five times",
    )
    needed.touch()
    wait_for(lambda: ask(port), "it answers")


def test_a_server_that_crashes_at_once_is_given_up_with_its_last_words(node: Node, port: int) -> None:
    node.driver.start(node.spec(port, "crash"))
    wait_for(lambda: node.driver.status("time", "blue").state == "failed", "it is given up", patience=120)
    assert "no licence found" in node.driver.log_tail("time", "blue")
    assert "FATAL" in node.driver.status("time", "blue").detail
    # The next try is taken for a new one, and the old words are not taken for its own.
    assert node.started(node.spec(port, "well"))["argv"] == [str(port), "well"]
    assert node.driver.log_tail("time", "blue") == ""


def test_a_server_that_is_not_there_says_so_in_its_log(node: Node, port: int) -> None:
    spec = node.spec(port)
    missing = type(spec)("time", "blue", ("/nowhere/server",), {}, {}, "/", 1.0)
    node.driver.start(missing)
    tail = wait_for(lambda: node.driver.log_tail("time", "blue"), "the launch program explains")
    assert tail.splitlines()[0] == "mcp-launch: cannot execute /nowhere/server: no such file"


@pytest.mark.parametrize("behaviour", ["", "stubborn", "child", "stray"])
def test_slots_of_a_killed_supervisord_come_back_with_it_once(node: Node, port: int, behaviour: str) -> None:
    spec = node.spec(port, *behaviour.split(), stop_timeout=1.0)
    first = node.started(spec)
    before = tree(node.launched()[0].pid)
    node.end(signal.SIGKILL)
    node.start()
    wait_for(lambda: (ask(port) or first)["pid"] != first["pid"], "it is back")
    assert gone(before)
    assert [listener.pids for listener in listeners(port)] == [frozenset({answer(port)["pid"]})]
    assert node.driver.runs(spec)


def test_slots_end_with_a_killed_supervisord(node: Node, port: int) -> None:
    pid = node.started(node.spec(port))["pid"]
    node.end(signal.SIGKILL)
    wait_for(lambda: gone({pid}), "the server ends")


def test_a_slot_that_was_stopped_does_not_come_back(node: Node, port: int) -> None:
    node.started(node.spec(port))
    green = node.started(node.spec(free_ports(1)[0], slot="green"))
    node.driver.stop("time", "blue", 5)
    node.end()
    assert not identities({green["pid"]})
    node.start()
    wait_for(lambda: node.driver.status("time", "green").pid, "the other slot is back")
    assert both_slots(node) == ["stopped", "starting"]
    assert ask(port) is None


def test_a_restarted_supervisord_starts_what_the_last_description_said(node: Node, port: int) -> None:
    node.started(node.spec(port))
    node.started(node.spec(port, "newer"))
    node.end()
    node.start()
    assert answer(port)["argv"] == [str(port), "newer"]
