# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup could delete and is not allowed to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.filter.retained_servers import retained_servers
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.allowed import Allowed
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Deployment, Record
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.decide import Decision
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.policy import Policies
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.scene import Item

DEFINITION: dict[str, Any] = {
    "name": "free",
    "package": {"registry_type": "pypi", "identifier": "crate", "version": "2"},
    "transport": "stdio",
}
FROZEN = [{"freeze": "feast", "until": "2100-01-01"}]
NOW = 1_790_000_000.0


def record(server: str, identifier: str, protected: bool = False) -> Record:
    held = Deployment("pypi", identifier, "2", "digest", f"/r/pypi/{identifier}/2", {}, "")
    return Record(server, slots={"blue": held}, active="blue", protected=protected)


RECORDS = (record("safe", "box", protected=True), record("free", "crate"))
ITEMS = {
    "box": Item("release", "/r/pypi/box/1", "pypi/box", "box@1", 1.0),
    "crate": Item("release", "/r/pypi/crate/1", "pypi/crate", "crate@1", 1.0),
    "nobody": Item("release", "/r/pypi/old/1", "pypi/old", "old@1", 1.0),
    "log": Item("log", "/l/safe-blue.log.1", "safe", "safe-blue.log.1", 1.0),
    "cache": Item("cache", "/c/uv", "uv", "uv", 1.0),
}


def stay(approve: list[str] | None = None, windows: Any = None, emergency: str | None = None) -> set[str]:
    """Those of ITEMS that are not allowed to go."""
    allowed = Allowed(RECORDS, Policies(), rules_of(approve, windows, emergency), NOW)
    wanted = [Decision(item, True, "keep", "nothing needs it") for item in ITEMS.values()]
    checked = allowed.checked(wanted)
    return {name for name, decision in zip(ITEMS, checked, strict=True) if not decision.delete}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, {"box", "log"}),
        ({"approve": ["safe:cleanup"]}, set()),
        ({"approve": ["safe:absent", "free:cleanup", "safe@2"]}, {"box", "log"}),
        ({"windows": FROZEN}, set(ITEMS)),
        ({"windows": FROZEN, "emergency": "the disk is full"}, {"box", "log"}),
        ({"windows": FROZEN, "emergency": "the disk is full", "approve": ["safe:cleanup"]}, set()),
    ],
)
def test_what_is_of_a_protected_server_stays_until_approved_and_everything_outside_the_windows(
    rules: dict[str, Any], expected: set[str]
) -> None:
    assert stay(**rules) == expected


def test_a_package_of_several_servers_stays_for_the_one_that_is_protected() -> None:
    allowed = Allowed(
        RECORDS, Policies(packages={"pypi/crate": frozenset({"safe"})}), rules_of((), (), None), NOW
    )
    assert allowed.owners(ITEMS["crate"]) == ("free", "safe")
    rule, why = allowed.held(allowed.owners(ITEMS["crate"])) or ("", "")
    assert (rule, why) == ("protected", "safe: the server is protected, and nothing approves this change")


def test_what_only_the_inventory_protects_stays_too() -> None:
    [server] = retained_servers([{**DEFINITION, "protected": True}])
    policies, _wanted = parse_policies({}, [server])
    allowed = Allowed(RECORDS, policies, rules_of((), (), None), NOW)
    assert (allowed.held(allowed.owners(ITEMS["crate"])) or ("",))[0] == "protected"
    unmarked, _wanted = parse_policies({}, retained_servers([DEFINITION]))
    assert Allowed(RECORDS, unmarked, rules_of((), (), None), NOW).held(["free"]) is None


def test_what_stays_says_once_how_it_can_go() -> None:
    allowed = Allowed(RECORDS, Policies(), rules_of((), FROZEN, None), NOW)
    advice = allowed.advice(["free", "safe", "", "free"])
    assert len(advice) == 2
    assert advice[0].startswith("delete what is needed no more: changes are frozen (feast). Changes are")
    assert advice[1].startswith("safe: delete what it needs no more: the server is protected")
    assert '{"mcp_approve": ["safe:cleanup"]}' in advice[1]
