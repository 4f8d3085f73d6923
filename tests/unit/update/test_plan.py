# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done in which state. A table: the state, the wish, the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record, Transaction
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.driver import Process
from ansible_collections.mcpops.fleet.plugins.module_utils.update.observe import Observed
from ansible_collections.mcpops.fleet.plugins.module_utils.update.plan import (
    ROLLBACK,
    UPDATE,
    plan_present,
    plan_rolled_back,
)

NOW = Moment(0, 0, "")
STAGED, ACTIVE = UPDATE[: UPDATE.index("ready") + 1], UPDATE[: UPDATE.index("baked") + 1]
RUNNING = Process("running", 1)
NOTHING = Observed(Record("x"), None, True, {}, frozenset())
SERVING = replace(
    NOTHING,
    serving="blue",
    matching=frozenset({"blue"}),
    processes={"blue": RUNNING, "green": Process("stopped")},
)


def under_way(
    step: str | None, kind: str = "update", serving: str = "blue", matching: str = "green"
) -> Observed:
    transaction = Transaction(kind, "blue", "green", 2, NOW, step)
    return replace(
        SERVING,
        serving=serving,
        matching=frozenset({matching}),
        record=Record("x", transaction=transaction),
        processes={**SERVING.processes, serving: RUNNING},
    )


@pytest.mark.parametrize(
    ("observed", "phase", "plan", "pending"),
    [
        (NOTHING, "settled", UPDATE, False),
        (NOTHING, "staged", STAGED, True),
        (SERVING, "settled", (), False),
        (SERVING, "staged", (), False),
        (replace(SERVING, matching=frozenset()), "active", ACTIVE, True),
        (replace(SERVING, processes={"blue": Process("failed")}), "settled", ("restart",), False),
        (replace(SERVING, returning=False), "settled", ("enable",), False),
        (replace(SERVING, consistent=False), "settled", ("edge",), False),
        # Killed on the way, and the wish is the same: go on from where it was.
        (under_way("staged"), "settled", UPDATE[1:], False),
        (under_way("ready"), "staged", (), True),
        # The route was changed by hand after the switch that had brought it, or where nothing brings it.
        (
            replace(under_way("switched", serving="green"), consistent=False),
            "settled",
            ("edge", "prove", *UPDATE[UPDATE.index("switched") + 1 :]),
            False,
        ),
        (replace(under_way("ready", matching="blue"), consistent=False), "settled", ("undo", "edge"), False),
        (under_way("ready"), "active", ("switched", "baked"), True),
        (under_way("switched", serving="green"), "settled", ("prove", "baked", "drained", "settled"), False),
        (under_way("drained", serving="green"), "settled", ("prove", "settled"), False),
        (under_way("baked", serving="green"), "active", (), True),
        # What clients start themselves has no process that could be coming up.
        (replace(under_way("drained", serving="green"), processes={}), "settled", ("settled",), False),
        # Somebody stopped meanwhile what serves.
        (
            replace(under_way("baked", serving="green"), processes={"green": Process("stopped")}),
            "settled",
            ("restart", "drained", "settled"),
            False,
        ),
        # Another wish: what is not proven is undone, what is proven is finished, before anything new.
        (under_way("ready", matching="none"), "settled", ("undo", *UPDATE), False),
        (under_way("switched", serving="green", matching="none"), "settled", ("undo", *UPDATE), False),
        (under_way("switched", serving="green", matching="blue"), "settled", ("undo",), False),
        (under_way("ready", matching="blue"), "staged", ("undo",), False),
        (under_way("baked", serving="green", matching="none"), "settled", ("finish", *UPDATE), False),
        (under_way("baked", serving="green", matching="blue"), "settled", ("finish", *UPDATE), False),
        # An edge changed by hand is put right before the next change of it, but no switch that was cut off.
        (replace(under_way("staged"), agreeing=False), "settled", ("edge", *UPDATE[1:]), False),
        (
            replace(under_way("ready", matching="none"), agreeing=False),
            "settled",
            ("edge", "undo", *UPDATE),
            False,
        ),
        (replace(under_way("ready", serving="green"), agreeing=False), "active", ("switched", "baked"), True),
        # Going back is finished first, whatever is wished.
        (under_way("started", kind="rollback"), "settled", ("finish",), False),
        (under_way(None, kind="rollback", matching="blue"), "staged", ("finish", *STAGED), True),
        (under_way(None, kind="remove"), "settled", ("remove", *UPDATE), False),
    ],
)
def test_present(observed: Observed, phase: str, plan: tuple[str, ...], pending: bool) -> None:
    planned = plan_present(observed, phase)
    assert ((*planned.before, *planned.steps), planned.pending) == (plan, pending)


@pytest.mark.parametrize(
    ("observed", "unfinished_only", "plan"),
    [
        (SERVING, False, ()),
        (replace(SERVING, record=Record("x", previous="green")), False, ROLLBACK),
        (replace(SERVING, record=Record("x", previous="green")), True, ()),
        (
            replace(SERVING, agreeing=False, record=Record("x", previous="green")),
            False,
            ("edge", *ROLLBACK),
        ),
        (under_way("switched"), False, ("undo",)),
        (under_way("staged"), True, ("undo",)),
        (under_way("ready", kind="rollback"), True, ("finish",)),
        (replace(under_way("staged"), agreeing=False), True, ("edge", "undo")),
        (under_way(None, kind="remove"), True, ("remove",)),
    ],
)
def test_rolled_back(observed: Observed, unfinished_only: bool, plan: tuple[str, ...]) -> None:
    planned = plan_rolled_back(observed, unfinished_only)
    assert (*planned.before, *planned.steps) == plan


@pytest.mark.parametrize(("asked", "plan"), [(None, ("undo",)), (2, ("undo",)), (0, ()), (3, ())])
def test_what_another_run_has_under_way_is_not_undone(asked: int | None, plan: tuple[str, ...]) -> None:
    planned = plan_rolled_back(under_way("switched"), True, asked)
    assert (*planned.before, *planned.steps) == plan
