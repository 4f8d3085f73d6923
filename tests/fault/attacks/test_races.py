# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that meet on one node wait for each other, or are told who is at work; clients notice nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from tests.fault.attacks.run import Run
from tests.support.node import Node, box, version
from tests.support.ports import free_ports
from tests.support.waiting import wait_for


@contextmanager
def baking(node: Node, wanted: str, seconds: float) -> Iterator[Run]:
    """A run that has switched to a version and watches it."""

    def switched() -> bool:
        transaction = node.host().journal.load("box").transaction
        return transaction is not None and transaction.reached("switched")

    with Run.begin(node, wanted, update={"bake": seconds}) as run:
        wait_for(switched, run.end)
        yield run


def test_two_controllers_with_different_wishes_come_one_after_the_other(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    with unnoticed(), Run.begin(node, "2.0.0") as one, Run.begin(node, "3.0.0") as two:
        ended = [one.end(), two.end()]
    assert [code for code, _said in ended] == [0, 0], ended
    record = node.host().journal.load("box")
    assert record.transaction is None
    assert version(node) in ("2.0.0", "3.0.0")
    assert node.host().edge.agrees("box")
    assert not node.update(version(node)).to_json()["changed"]


def test_a_run_while_another_one_bakes_is_told_who_it_is_and_changes_nothing(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    with unnoticed(), baking(node, "2.0.0", seconds=4) as first:
        with pytest.raises(FleetError) as caught:
            Converger(node.host(), box(node, "3.0.0"), 0.5).present("settled", apply=True)
        assert f"another run (process {first.pid})" in str(caught.value)
        assert "raise lock_timeout" in str(caught.value)
        assert first.end()[0] == 0
    assert version(node) == "2.0.0"


def test_a_check_while_another_run_bakes_waits_for_nobody(node: Node) -> None:
    with baking(node, "2.0.0", seconds=4) as first:
        foreseen = node.converger(box(node, "2.0.0")).present("settled", apply=False)
        assert foreseen.to_json()["transaction"]["step"] == "switched"
        assert first.end()[0] == 0


def test_a_lock_whose_holder_was_killed_is_free_and_its_work_is_gone_on_with(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    with unnoticed():
        with baking(node, "2.0.0", seconds=60) as first:
            first.signal(signal.SIGKILL)
            first.end()
        outcome = Converger(node.host(), box(node, "2.0.0"), 0).present("settled", apply=True).to_json()
    assert (version(node), outcome["transaction"], outcome["plan"][:2]) == ("2.0.0", None, ["prove", "baked"])


def test_a_run_that_is_frozen_in_its_bake_keeps_others_away_until_it_goes_on(node: Node) -> None:
    with baking(node, "2.0.0", seconds=2) as first:
        first.signal(signal.SIGSTOP)
        with pytest.raises(FleetError, match=f"another run .process {first.pid}."):
            Converger(node.host(), box(node, "3.0.0"), 0.5).present("settled", apply=True)
        first.signal(signal.SIGCONT)
        assert first.end()[0] == 0
    assert node.host().journal.load("box").transaction is None
    assert version(node) == "2.0.0"


def test_servers_of_one_node_are_updated_at_once_and_none_loses_its_place_at_the_edge(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    others = {name: free_ports(2) for name in ("one", "two")}
    for name, ports in others.items():
        node.update("1.0.0", name=name, ports=ports, route=f"/{name}")
    with unnoticed():
        failures = list[Exception]()

        def update(name: str, ports: list[int]) -> None:
            try:
                for wanted in ("2.0.0", "3.0.0"):
                    node.update(wanted, name=name, ports=ports, route=f"/{name}")
            except Exception as error:
                failures.append(error)

        threads = [
            threading.Thread(target=update, args=(name, ports))
            for name, ports in {**others, "box": node.slot_ports}.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
    assert failures == []
    assert {name: version(node, name) for name in ("box", "one", "two")} == dict.fromkeys(
        ("box", "one", "two"), "3.0.0"
    )
    assert all(node.host().edge.agrees(name) for name in ("box", "one", "two"))
