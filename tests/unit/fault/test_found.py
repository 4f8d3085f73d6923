# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories that violated an invariant once (on a made-up host, which checks them all after each act)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from tests.fault.histories.mishaps import POWER_LOSS, At, Tampering, befall
from tests.fault.histories.operator import Operator


@pytest.fixture
def operator() -> Iterator[Operator]:
    """Of a host that serves ``box`` 1.0.0."""
    operator = Operator({"box": True}, lambda text: None)
    with closing(operator.world):
        operator.update("box", "1.0.0", "plain", "settled", None)
        yield operator


def test_requests_to_a_slot_without_a_process_do_not_excuse_those_that_the_new_release_fails(
    operator: Operator,
) -> None:
    world, invariants = operator.world, operator.invariants
    operator.befall(partial(Tampering(world, invariants, "box").do, "file of the active slot removed"))
    operator.befall(partial(befall, world, invariants, POWER_LOSS, "", 0))
    operator.befall(partial(world.pass_time, 10.0))
    assert invariants.now_served("box") is None, "nobody can be served, and clients ask on"
    operator.update("box", "9.0.0-fails-in-use", "plain", "settled", None)


def test_a_release_that_was_removed_while_it_served_is_not_gone_back_to_and_what_serves_goes_on(
    operator: Operator,
) -> None:
    removed = partial(
        Tampering(operator.world, operator.invariants, "box").do, "release of the active slot removed"
    )
    operator.befall(removed)
    operator.update("box", "2.0.0", "plain", "settled", None)
    operator.roll_back("box", False, None)
    served = operator.invariants.now_served("box")
    assert served is not None and served.version == "2.0.0"


def test_a_reboot_on_the_way_back_to_a_release_that_does_not_last_keeps_no_good_one_from_service() -> None:
    told: list[str] = []
    for point in range(255, 275):
        operator = Operator({"box": True}, told.append)
        with closing(operator.world):
            operator.update("box", "9.0.0-dies-in-use", "plain", "settled", None)
            operator.update("box", "9.0.0-fails-in-use", "plain", "settled", At(point, "reboot"))
            operator.finish()
    assert "box: reboot after rename /edge/active.map" in told


def test_what_the_files_and_the_edge_have_each_lost_a_part_of_is_put_together_before_an_update(
    operator: Operator,
) -> None:
    for what in ("active entry removed from HAProxy", "generations removed from their map file"):
        operator.befall(partial(Tampering(operator.world, operator.invariants, "box").do, what))
    operator.update("box", "9.0.0-dies-at-start", "plain", "settled", None)
    operator.finish()


def test_a_session_is_drained_also_where_the_clock_was_set_back_since_a_reboot() -> None:
    told: list[str] = []
    for point in range(198, 206):
        operator = Operator({"box": True}, told.append)
        with closing(operator.world):
            operator.update("box", "1.0.0", "plain", "settled", At(point, "reboot"))
            operator.world.clock.wall -= 3600.0
            operator.world.network.open_session("box", 30.0, True)
            operator.befall(partial(befall, operator.world, operator.invariants, "HAProxy killed", "box"))
            operator.recover("box", None)
    assert "box: reboot after rename /edge/routes.map" in told


def test_a_first_deployment_that_is_undone_while_the_edge_is_away_was_taken_from_its_clients_by_the_run() -> (
    None
):
    told: list[str] = []
    for point in range(198, 206):
        operator = Operator({"box": True}, told.append)
        with closing(operator.world):
            operator.update("box", "1.0.0", "plain", "settled", At(point, "reboot"))
            operator.update("box", "9.0.0-dies-at-start", "plain", "settled", At(40, "HAProxy killed"))
            operator.finish()
    assert "box: reboot after rename /edge/routes.map" in told
