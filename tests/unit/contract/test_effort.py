# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comparing costs: a server writes its schemas, and must not decide how long that takes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.contract import document
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.document import Budget, node_of
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.instance import valid
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.pattern import (
    MOST_WAYS,
    matches,
    ways,
)
from tests.unit.contract.changes import INPUT
from tests.unit.contract.test_changes import changed


@pytest.mark.parametrize(
    "pattern",
    [
        "^" + "a?" * 20 + "a" * 20 + "$",
        "^" + "a{0,1}" * 20 + "$",
        "^" + "a{,1}" * 20 + "$",
        "^" + "(a|aa)" * 20 + "$",
        "^((a|aa)|(aa|a))" + "(?:a|aa)" * 20 + "$",
        "^" + r"\\*" * 5 + "$",
        "^a*b*c*$",
        "^(a+)+$",
        "^(?=a)",
    ],
)
def test_a_pattern_that_can_be_tried_in_too_many_ways_is_not_tried(pattern: str) -> None:
    assert ways(pattern) > MOST_WAYS
    assert matches(pattern, "b") is None


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"^https?://[^/?*+]+/", "https://a.example/x", "ftp://a.example/x"),
        (r"^\d{4}-\d{2}-\d{2}$", "2026-11-26", "2026-11-26\n"),
        (r"^-?\d+(\.\d)?$", "-1.5", "x"),
        (r"^(red|green|blue)$", "green", "grey"),
        (r"^\(.*\)*$", "(x)", "x"),
        (r"a\?b\?c\?d\?|[(|)]{3}", "(|)", "("),
        ("^(x$)", "x", "x\n"),
        ("^x$|^y", "x", "x\n"),
        (r"^[\w.+-]+@[^\s@]+$", "a.b@example.org", "a b@example.org"),
        (r"^[^\]\[\\/]+$", "é", "["),
    ],
)
def test_a_usual_pattern_is_tried(pattern: str, good: str, bad: str) -> None:
    assert (matches(pattern, good), matches(pattern, bad)) == (True, False)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^a{,2}$", "aa"),
        (r"^a\Z", "a"),
        (r"\Aa", "a"),
        ("^[]x]$", "x"),
        ("^[^]x]$", "y"),
        ("a++", "a"),
        (r"^\a", "a"),
        (r"^\S+$", "a\u00a0b"),
        (r"^[\s]$", "\ufeff"),
        ("^...$", "a\rb"),
        ("^...$", "a\u2028b"),
        ("^.$", "\U0001f600"),
        ("^[\U0001f600]$", "x"),
    ],
)
def test_a_pattern_that_languages_read_differently_is_not_tried(pattern: str, text: str) -> None:
    assert matches(pattern, text) is None


def test_each_value_of_a_list_is_read_once_however_many_are_compared_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[Any] = []
    plain = document.exact

    def exact(value: Any) -> str:
        read.append(value)
        return plain(value)

    node = node_of({"enum": ["a", "b", "c"]})
    monkeypatch.setattr(document, "exact", exact)
    assert [valid(value, node) for value in "abcd"] == [True, True, True, False]
    assert sorted(read) == ["a", "b", "c"]


def test_what_is_tried_without_budget_has_no_certain_answer() -> None:
    budget = Budget(left=2)
    node = node_of({"items": {"type": "integer"}}, budget)
    assert valid([1], node) is True
    assert valid([1], node) is None
    costly = node_of({"pattern": "x.*y.*z"}, Budget(left=100))
    assert valid("x" * 200, costly) is None
    assert valid("xyz", node_of({"pattern": "x.*y.*z"}, Budget(left=100))) is True


LITERALS = [{"const": str(number)} for number in range(3000)]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"anyOf": LITERALS, "oneOf": LITERALS}, "more than 256 alternatives"),
        ({"oneOf": LITERALS}, "more than 256 alternatives"),
        ({"allOf": [{"anyOf": LITERALS[:200]}, {"oneOf": LITERALS[:200]}]}, "more than 256 alternatives"),
        ({"allOf": [{"minLength": 1}] * 50_000}, "more than 1000 schemas"),
        ({"allOf": [{"anyOf": [{"minLength": n}, {"maxLength": n}]} for n in range(900)]}, "cannot tell"),
    ],
)
def test_what_would_have_to_be_multiplied_out_is_given_up_before_it_is(schema: Any, says: str) -> None:
    for old, new in (({"type": "string"}, schema), (schema, {"type": "string"})):
        root = {"type": "object", "properties": {"a": new}}
        before = {"type": "object", "properties": {"a": old}}
        found = changed(INPUT, before, root).breaking
        assert found
        assert new != schema or says in "".join(found)


def test_conditions_that_refer_to_each_other_are_looked_at_once() -> None:
    def circle(kind: str) -> Any:
        names = [f"d{n}" for n in range(30)]
        every = [{"$ref": f"#/$defs/{name}"} for name in names]
        definitions = {
            name: {
                "type": "object",
                "if": {"anyOf": every},
                "then": every[0],
                "properties": {name: {"type": kind}},
            }
            for name in names
        }
        return {"type": "object", "properties": {"a": every[0]}, "$defs": definitions}

    assert changed(INPUT, circle("integer"), circle("number")).breaking


def test_alternatives_that_are_told_apart_one_by_one_are_on_the_budget() -> None:
    def union(kind: str) -> Any:
        several = [
            {"type": "object", "properties": {"k": {"const": n}, "v": {"type": kind}}, "required": ["k"]}
            for n in range(120)
        ]
        return {"type": "object", "properties": {"a": {"oneOf": several}}}

    assert "too much in it" in changed(INPUT, union("integer"), union("number")).breaking[0]
