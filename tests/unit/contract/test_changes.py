# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each change of a schema gets the verdict that its rule gives, with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.compare import Difference, compare
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.offer import Offer
from tests.unit.contract.changes import CHANGES, INPUT, Row


def changed(direction: str, old: Any, new: Any) -> Difference:
    def offer(schema: Any) -> Offer:
        sides = (
            {"inputSchema": schema}
            if direction == INPUT
            else {"inputSchema": {"type": "object"}, "outputSchema": schema}
        )
        return Offer.of(["legacy"], tools=[{"name": "t", **sides}])

    return compare(offer(old), offer(new))


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: f"{row.direction}: {row.rule}")
def test_a_change_of_a_schema_gets_the_verdict_of_its_rule_and_a_reason(row: Row) -> None:
    difference = changed(row.direction, row.old, row.new)
    reasons = "\n".join(difference.lines())
    assert difference.verdict == row.verdict, reasons
    assert row.says in reasons


def test_the_table_is_large_and_has_both_directions() -> None:
    assert len(CHANGES) >= 60
    assert len({row.direction for row in CHANGES}) == 2
