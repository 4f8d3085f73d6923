# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a new release's process between two runs of its update, as between phases of a playbook."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.node import Node, kill_in, version


def hang_after_switch(node: Node, version: str) -> None:
    """Switch clients to a release, and let its process hang."""
    node.update(version, "active")
    pid = node.host().driver.status("box", "green").pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)


@pytest.mark.parametrize("times", [1, 3], ids=["is started at once", "is tried again later"])
def test_clients_are_switched_to_a_slot_that_was_proven_in_an_earlier_run_once_it_answers_again(
    node: Node, unnoticed: Callable[[], Any], times: int
) -> None:
    with unnoticed():
        node.update("2.21.0", "staged")
        kill_in(node, "green", times)
        node.update("2.21.0")
    assert version(node) == "2.21.0"


def test_a_slot_that_was_proven_in_an_earlier_run_and_was_stopped_since_gets_no_clients(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    with unnoticed():
        node.update("2.0.0", "staged")
        node.host().driver.stop("box", "green", 3)
        with pytest.raises(UpdateFailed, match="bring up .*its process ended by itself"):
            node.update("2.0.0")
        assert version(node) == "1.0.0"
        node.update("2.0.0")
    assert version(node) == "2.0.0"


@pytest.mark.parametrize("times", [1, 3], ids=["is started at once", "is tried again later"])
def test_an_update_that_goes_on_after_its_switch_ends_once_what_clients_were_sent_to_answers_again(
    node: Node, times: int
) -> None:
    node.update("2.21.0", "active")
    kill_in(node, "green", times)
    node.update("2.21.0")
    assert version(node) == "2.21.0"


def test_an_update_that_goes_on_after_its_switch_goes_back_from_what_does_not_answer_any_more(
    node: Node,
) -> None:
    hang_after_switch(node, "2.0.0")
    with pytest.raises(UpdateFailed, match="stopped answering"):
        node.update("2.0.0", update={"ready_timeout": 2})
    assert version(node) == "1.0.0"


def test_an_update_over_one_that_baked_and_does_not_answer_any_more_goes_back_from_it_first(
    node: Node,
) -> None:
    hang_after_switch(node, "2.0.0")
    outcome = node.update("3.0.0", update={"ready_timeout": 2})
    steps = [step["step"] for step in outcome.report.steps]
    assert (outcome.plan.before, steps[:3]) == (("finish",), ["started", "ready", "switched"])
    assert "stopped answering" in outcome.report.warnings[0]
    assert version(node) == "3.0.0"
