# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as operators write them, merged towards keeping more; mistakes are errors that name the key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.decide import Decision, decide
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies, parse_policy
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.policy import DAY, PRESETS
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.scene import Item, Scene

MIB = 2**20


def releases(*days: float) -> tuple[Item, ...]:
    """Releases of one package, each of 10 MiB, so many days old."""
    return tuple(
        Item("release", f"/r/{each:g}", "pypi/box", f"box@{each:g}", each * DAY, 10 * MIB) for each in days
    )


def decided(
    items: tuple[Item, ...], *policies: dict[str, Any], servers: Any = ()
) -> tuple[dict[str, Decision], tuple[str, ...]]:
    """What becomes of each, by name; and the warnings."""
    merged, wanted = parse_policies({f"p{number}": raw for number, raw in enumerate(policies)}, servers)
    decisions, warnings = decide(Scene(items, wanted=wanted), merged)
    return {decision.item.name.partition("@")[2]: decision for decision in decisions}, warnings


def gone(items: tuple[Item, ...], *policies: dict[str, Any], servers: Any = ()) -> set[str]:
    """What goes."""
    return {name for name, each in decided(items, *policies, servers=servers)[0].items() if each.delete}


AGES = releases(1, 5, 10, 50, 200, 400)


@pytest.mark.parametrize(
    ("policy", "goes"),
    [
        ({}, {"400"}),
        ({"preset": "conservative"}, {"400"}),
        ({"preset": "standard"}, {"50", "200", "400"}),
        ({"preset": "aggressive"}, {"5", "10", "50", "200", "400"}),
        ({"preset": "aggressive", "release": {"keep": 4}}, {"200", "400"}),
        ({"preset": "aggressive", "release": {"min_age": "7d"}}, {"10", "50", "200", "400"}),
        ({"preset": "aggressive", "release": {"max_age": "30d"}}, {"50", "200", "400"}),
        ({"preset": "aggressive", "release": {"budget": "40M"}}, {"200", "400"}),
        ({"preset": "aggressive", "release": {"keep": "unlimited"}}, set()),
        ({"preset": "aggressive", "keep": ["box@?0*"]}, {"5"}),
        ({"preset": "aggressive", "pin": ["box@400"]}, {"5", "10", "50", "200"}),
        ({"preset": "aggressive", "release": False}, set()),
    ],
)  # fmt: skip
def test_a_policy_lets_go_what_it_says(policy: dict[str, Any], goes: set[str]) -> None:
    assert gone(AGES, policy) == goes


def test_of_several_policies_each_keeps_what_it_keeps() -> None:
    everything = {"preset": "aggressive"}
    assert gone(AGES, everything, {"preset": "standard"}) == {"50", "200", "400"}
    package = {"registry_type": "pypi", "identifier": "box", "version": "9"}
    owner = {"name": "box", "package": package, "retention": {"release": {"keep": 5}}}
    assert gone(AGES, everything, servers=[owner]) == {"400"}
    other = {**owner, "package": {**package, "identifier": "other"}}
    assert gone(AGES, everything, servers=[other]) == gone(AGES, everything)
    assert gone(AGES, {}, servers=[{**owner, "retention": {"preset": "aggressive"}}]) == {"400"}


def policy() -> st.SearchStrategy[dict[str, Any]]:
    """Any policy for releases that says all; what one leaves unsaid others may say."""
    parts = {
        "keep": st.sampled_from((0, 1, 3, "unlimited")),
        "min_age": st.sampled_from(("0", "2d", "20d")),
        "max_age": st.sampled_from(("3d", "40d", "300d", "unlimited")),
        "budget": st.sampled_from(("10M", "30M", "unlimited")),
    }
    presets = st.sampled_from(("conservative", "standard", "aggressive"))
    rules = st.fixed_dictionaries({}, optional=parts) | st.just(False)
    return st.fixed_dictionaries({"preset": presets}, optional={"release": rules})


@settings(max_examples=300, deadline=None, database=None)
@given(fleet=policy(), other=policy(), own=policy())
def test_nothing_goes_that_one_of_the_policies_alone_would_keep(
    fleet: dict[str, Any], other: dict[str, Any], own: dict[str, Any]
) -> None:
    package = {"registry_type": "pypi", "identifier": "box", "version": "9"}
    servers = [{"name": "box", "package": package, "retention": own}]
    together = gone(AGES, fleet, other, servers=servers)
    for alone in (fleet, other, own):
        assert together <= gone(AGES, alone)


def test_what_is_unlimited_lets_nothing_go() -> None:
    assert gone(AGES, {"release": {"keep": 0, "min_age": 0, "max_age": "unlimited"}}) == set()
    limits = {"max_age": "30d"}, {"max_age": "unlimited", "budget": "20M"}
    assert gone(AGES, *({"preset": "aggressive", "release": each} for each in limits)) == set()


def test_where_a_policy_contradicts_itself_more_is_kept_and_that_is_said() -> None:
    found, warnings = decided(AGES, {"release": {"keep": 0, "min_age": "60d", "max_age": "2d"}})
    assert {name for name, each in found.items() if each.delete} == {"200", "400"}
    assert any("max_age (2 d) is below min_age (60 d); min_age holds" in each for each in warnings)
    _found, warnings = decided(AGES, {"preset": "aggressive", "release": {"keep": 5, "budget": "20M"}})
    assert any("above the budget of 20.0 MiB" in each for each in warnings)
    _found, warnings = decided(AGES, {"orphans": "end"}, {"orphans": "report"})
    assert any("report holds" in each for each in warnings)


def test_what_is_of_unknown_age_or_from_the_future_stays() -> None:
    unknown = Item("release", "/r/x", "pypi/box", "box@x", None)
    found, _warnings = decided((*releases(0), unknown), {"preset": "aggressive", "release": {"keep": 0}})
    assert found["x"].rule == "min_age" and not found["x"].delete


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "mcp_retention: it is []. Write it as a mapping"),
        ({"kep": 1}, "unknown key kep. Known keys: preset"),
        ({"preset": "none"}, "mcp_retention.preset: it is 'none'. Choose one of conservative"),
        ({"release": {"keep": -1}}, "mcp_retention.release.keep: it is -1. Give a whole number"),
        ({"release": {"keep": True}}, "release.keep: it is True"),
        ({"release": {"keep": 10**6}}, "release.keep: it is 1000000"),
        ({"release": {"keep": 1.5}}, "release.keep: it is 1.5"),
        ({"release": {"min_age": -5}}, "release.min_age: it is -5. Give 0 seconds"),
        ({"release": {"min_age": "unlimited"}}, "release.min_age: it is 'unlimited'"),
        ({"release": {"max_age": 0}}, "release.max_age: it is 0"),
        ({"release": {"max_age": "2y"}}, "release.max_age: it is '2y'. Give 60 seconds"),
        ({"release": {"max_age": "999999d"}}, "release.max_age: it is '999999d'"),
        ({"release": {"budget": 0}}, "release.budget: it is 0. Give 1M or more"),
        ({"release": {"budget": "-1G"}}, "release.budget: it is '-1G'"),
        ({"release": {"kept": 1}}, "mcp_retention.release: unknown key kept"),
        ({"log": True}, "mcp_retention.log: it is True. Give false, or a mapping"),
        ({"pin": "box@1"}, "mcp_retention.pin: it is 'box@1'. Write it as a list"),
        ({"pin": ["box"]}, "mcp_retention.pin: it is 'box'"),
        ({"orphans": "kill"}, "mcp_retention.orphans: it is 'kill'. Choose one of report, end"),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error_that_names_the_key_and_the_cure(raw: Any, said: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_policy(raw, "mcp_retention")
    assert said in str(caught.value)


def test_a_mistake_in_a_definition_names_the_server() -> None:
    raw = {
        "name": "box",
        "package": {"registry_type": "pypi", "identifier": "box", "version": "1"},
        "transport": "stdio",
        "retention": {"release": {"keep": -1}},
    }
    with pytest.raises(FleetError, match="box: read the retention policy, retention.release.keep: it is -1"):
        parse(raw)


def test_each_preset_keeps_no_more_than_the_one_before() -> None:
    names = [set() for _preset in PRESETS]  # type: list[set[str]]
    for goes, preset in zip(names, PRESETS, strict=True):
        goes |= gone(AGES, {"preset": preset})
    assert names[0] <= names[1] <= names[2]
