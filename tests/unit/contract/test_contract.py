# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server offers, how two offers differ, and whether what came back is what its owner requires."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.compare import compare
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.offer import Offer
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.require import (
    check_expression,
    disappointment,
    missing_tools,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.excerpt import Excerpt


def offer(*tools: str, eras: tuple[str, ...] = ("legacy",), description: str = "") -> Offer:
    return Offer.of(eras, tools=[{"name": name, "description": description} for name in tools])


def test_the_order_of_lists_and_protocol_bookkeeping_do_not_matter() -> None:
    one = Offer.of(["modern", "legacy"], tools=[{"name": "a"}, {"name": "b", "_meta": {"x": 1}}])
    two = Offer.of(["legacy", "modern"], tools=[{"name": "b"}, {"name": "a"}])
    assert one.digest() == two.digest()
    assert compare(one, two).verdict == "identical"


def test_an_offer_survives_json() -> None:
    one = Offer.of(["legacy"], tools=[{"name": "a"}], resources=[{"uri": "file:///x"}])
    assert Offer.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("old", "new", "verdict", "lines"),
    [
        (offer("a"), offer("a"), "identical", []),
        (offer("a"), offer("a", "b"), "compatible", ["+ tool b is new"]),
        (offer("a", "b"), offer("a"), "breaking", ["- tool b is gone"]),
        (
            offer("a"), offer("a", description="new"), "described differently",
            ['~ tool a: description was "", is "new"'],
        ),
        (
            offer("a", eras=("legacy", "modern")), offer("a", eras=("legacy",)), "breaking",
            ["- era modern is no longer served"],
        ),
        (
            offer("a", eras=("legacy",)), offer("a", eras=("legacy", "modern")), "compatible",
            ["+ era modern is served now"],
        ),
        (Offer.of([], resources=[{"uri": "x"}]), Offer.of([]), "compatible", ["- resource x is gone"]),
        (
            Offer.of([], resource_templates=[{"uriTemplate": "x"}]), Offer.of([]), "breaking",
            ["- resource template x is gone"],
        ),
    ],
)  # fmt: skip
def test_a_caller_is_broken_by_what_is_gone_and_by_nothing_else(
    old: Offer, new: Offer, verdict: str, lines: list[str]
) -> None:
    difference = compare(old, new)
    assert (difference.verdict, difference.lines()) == (verdict, lines)


def test_missing_tools_are_named_in_the_order_required() -> None:
    assert missing_tools(("b", "a", "c"), ["c"]) == ["b", "a"]


HI: dict[str, Any] = {"content": [{"type": "text", "text": "Echo: hi"}]}


@pytest.mark.parametrize(
    ("expression", "result", "error", "said"),
    [
        ("content[0].text == 'Echo: hi'", HI, None, None),
        ("content[0].text == 'Echo: ho'", HI, None, "gave False"),
        ("content[0].text", HI, None, "gave 'Echo: hi'"),
        ("nothing.there", HI, None, "gave None"),
        ("length(content[0].nothing)", HI, None, "cannot be applied"),
        (None, HI, None, None),
        (None, {"isError": True, "content": []}, None, "the tool failed"),
        ("isError", {"isError": True}, None, None),
        (None, None, "-32601 no such tool", "-32601 no such tool"),
    ],
)
def test_a_required_call_satisfies_only_when_its_expectation_is_true(
    expression: str | None, result: dict[str, Any] | None, error: str | None, said: str | None
) -> None:
    problem = disappointment(expression, result, error, Excerpt({}))
    assert problem is None if said is None else problem is not None and said in problem


def test_an_expectation_that_is_no_jmespath_is_refused_before_anything_is_done() -> None:
    check_expression("content[0].text == 'x'")
    with pytest.raises(FleetError, match="it is no JMESPath"):
        check_expression("content[0")
