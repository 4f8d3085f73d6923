# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes are allowed: the change, the mark, the rules, the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protection.permit import Change, permit
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
FROZEN = [{"freeze": "feast", "dates": ["2026-12-24"]}]
UPDATE = Change("time", "update it to mcp-server-time@2", "2")
FIRST = Change("time", "deploy mcp-server-time@2", "2", guarded=False)
REMOVAL = Change("time", "remove it", kind="absent")
UNMARK = Change("time", "take its protection away", kind="unprotected", timed=False)


@pytest.mark.parametrize(
    ("changes", "protected", "approve", "windows", "emergency", "refused"),
    [
        ([UPDATE], False, [], [], None, []),
        ([UPDATE], True, [], [], None, ["protected", '{"mcp_approve": ["time@2"]}']),
        ([UPDATE], True, ["time@2"], [], None, []),
        # An approval names the server and the change.
        ([UPDATE], True, ["time@1", "other@2", "time:absent"], [], None, ["protected"]),
        ([REMOVAL], True, ["time@2"], [], None, ['{"mcp_approve": ["time:absent"]}']),
        ([REMOVAL], True, ["time:absent"], [], None, []),
        ([FIRST], True, [], [], None, []),
        ([UPDATE, UNMARK], True, ["time@2"], [], None, ['{"mcp_approve": ["time:unprotected"]}']),
        ([UPDATE, UNMARK], True, [], [], None, ['["time@2", "time:unprotected"]']),
        # A window says when, an approval what: neither stands for the other, nor does an emergency for one.
        ([UPDATE], False, ["time@2"], FROZEN, None, ["frozen (feast)", "again at 2026-12-25 00:00 UTC"]),
        ([UPDATE], False, [], FROZEN, "a leak", []),
        ([UPDATE], True, [], FROZEN, "a leak", ["protected"]),
        ([UPDATE], True, ["time@2"], FROZEN, "a leak", []),
        ([UPDATE], True, [], FROZEN, None, ["protected", "frozen", "mcp_approve", "mcp_emergency"]),
        ([FIRST], True, [], FROZEN, None, ["frozen"]),
        ([UNMARK], True, ["time:unprotected"], FROZEN, None, []),
        ([], True, [], FROZEN, None, []),
    ],
)
def test_a_change_needs_its_approval_where_it_is_protected_and_an_open_window(
    changes: list[Change], protected: bool, approve: list[str], windows: list[Any], emergency: str | None,
    refused: list[str],
) -> None:  # fmt: skip
    refusal = permit(changes, protected, rules_of(approve, windows, emergency), NOW).refusal
    assert (refusal is not None) is bool(refused)
    for words in refused:
        assert words in str(refusal)
    assert refusal is None or str(refusal).startswith(f"time: {changes[0].text}")


def test_what_allowed_a_change_is_told_for_the_record() -> None:
    rules = rules_of(["time@2", "other@1"], FROZEN, "a leak")
    assert permit([UPDATE], True, rules, NOW).basis == {
        "approvals": ["time@2"],
        "lacking": [],
        "closed": "changes are frozen (feast)",
        "emergency": "a leak",
    }
    assert permit([UPDATE], False, rules_of(None, None, None), NOW).basis == {}
