# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run after one that was killed makes good, wherever that was killed (on a made-up host)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from tests.fault.histories.machine import LAST_POINT
from tests.fault.histories.mishaps import At
from tests.fault.histories.operator import RECOVERY, Operator
from tests.fault.histories.world import World

BAKE = 0.5
"""Seconds; what the definitions of all histories have."""


@contextmanager
def cut_off(point: int) -> Iterator[tuple[Operator, str]]:
    """A host on which an update was killed at a point, and what it did there; nothing: it has fewer."""
    told: list[str] = []
    operator = Operator({"box": True}, told.append)
    try:
        operator.update("box", "1.0.0", "plain", "settled", None)
        told.clear()
        operator.update("box", "2.0.0", "plain", "settled", At(point, "module killed"))
        yield operator, told[0].partition("module killed ")[2]
    finally:
        operator.world.close()


def each_point() -> Iterator[Operator]:
    """A host for each point at which an update can be killed."""
    for point in range(1, 2 * LAST_POINT):
        with cut_off(point) as (operator, doing):
            if not doing:
                assert 50 < point < LAST_POINT, "histories strike at all points, and at no others"
                return
            yield operator
    raise AssertionError("the update has no end")


def served(world: World) -> str | None:
    """The version that a new client reaches."""
    running = world.network.serving("box")
    return running.identity.version if running else None


def step(operator: Operator) -> str | None:
    """How far the update that was cut off had come."""
    transaction = operator.world.host(Effects(), lambda seconds: None).journal.load("box").transaction
    return transaction.step if transaction else None


def test_wherever_an_update_is_killed_what_the_next_run_came_to_is_whole_and_outlives_a_power_loss() -> None:
    for operator in each_point():
        operator.update("box", "2.0.0", "plain", "settled", None)
        assert operator.world.host(Effects(), lambda seconds: None).edge.agrees("box")
        assert not [key for key in operator.world.haproxy.maps["generations"] if key == "box/g1"]
        operator.world.lose_power(lambda: False)
        operator.world.pass_time(RECOVERY)
        assert served(operator.world) == "2.0.0"
        assert step(operator) in (None, "drained"), "a run that found nothing to do makes nothing durable"
        operator.finish()


def test_a_bake_that_was_cut_off_is_watched_for_its_whole_time_however_late_the_next_run_is() -> None:
    in_bake = 0
    for operator in each_point():
        if step(operator) == "switched":
            in_bake += 1
            operator.world.pass_time(100)
            begun = operator.world.clock.time
            operator.update("box", "2.0.0", "plain", "active", None)
            assert operator.world.clock.time - begun >= BAKE
    assert in_bake > 5
