# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a server is in a backup while something is under way: a table of records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.last_good import last_good
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import (
    Deployment,
    Record,
    Transaction,
)

MOMENT = Moment(1.0, 2.0, "boot")


def deployed(version: str) -> Deployment:
    return Deployment("pypi", "x", version, f"d{version}", f"/r/{version}", {}, "c")


OLD, GOOD, NEW = deployed("1"), deployed("2"), deployed("3")
BOTH, ALONE, DONE = {"blue": GOOD, "green": OLD}, {"blue": GOOD}, {"blue": GOOD, "green": NEW}
SETTLED = Record("x", (1, 2), {"blue": GOOD, "green": OLD}, active="blue", previous="green", generation=5)


def under_way(kind: str, origin: str | None, target: str, step: str | None, **more: Any) -> Record:
    """``SETTLED`` with the new release in green."""
    transaction = Transaction(kind, origin, target, 6, MOMENT, step, **more)
    slots = {"blue": GOOD, "green": NEW}
    return replace(SETTLED, slots=slots, previous=None, generation=6, transaction=transaction)


@pytest.mark.parametrize(
    ("record", "active", "held", "kept"),
    [
        (SETTLED, "blue", BOTH, set()),
        # What failed stays in its slot, and is nothing that one goes back to.
        (replace(SETTLED, previous=None), "blue", ALONE, set()),
        (under_way("update", "blue", "green", "staged", displaced=OLD), "blue", BOTH, {"green"}),
        (under_way("update", "blue", "green", "switched", displaced=OLD), "blue", BOTH, {"green"}),
        (under_way("update", "blue", "green", "switched"), "blue", ALONE, set()),
        (under_way("update", "blue", "green", "baked", displaced=OLD), "green", DONE, set()),
        (under_way("update", "blue", "green", "drained"), "green", DONE, set()),
        (under_way("rollback", "green", "blue", None, displaced=OLD), "blue", BOTH, {"green"}),
        (under_way("rollback", "green", "blue", "switched"), "blue", ALONE, set()),
    ],
)
def test_what_had_passed_its_bake_is_done_and_the_rest_was_never_begun(
    record: Record, active: str, held: dict[str, Deployment], kept: set[str]
) -> None:
    found = last_good(record)
    assert not isinstance(found, str)
    assert (found.record.active, found.record.slots, set(found.kept)) == (active, held, kept)
    assert found.record.transaction is None and found.record.generation == record.generation
    assert found.record.previous in (None, *held)
    assert last_good(found.record) == replace(found, kept=frozenset())


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (Record("x"), "nothing of it serves"),
        (under_way("update", None, "green", "switched"), "first deployment"),
        (under_way("remove", "blue", "", None), "removal"),
    ],
)
def test_a_server_without_a_good_state_is_left_out_with_the_reason(record: Record, why: str) -> None:
    found = last_good(record)
    assert isinstance(found, str) and why in found
