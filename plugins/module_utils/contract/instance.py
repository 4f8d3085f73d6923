# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one value is valid under a schema: True, False, or None where that is not certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Optional

from .document import Node, Unsure, exact
from .formats import INTEGERS, OF_NUMBERS, OF_TEXT

_DEEPEST = 40

Verdict = Optional[bool]


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """False if one is, else None if one is, else True."""
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """True if one is, else None if one is, else False."""
    result: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            result = None
    return result


def opposite(verdict: Verdict) -> Verdict:
    """The other one, where there is one."""
    return None if verdict is None else not verdict


def one_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether exactly one is True."""
    found = list(verdicts)
    if found.count(True) > 1:
        return False
    return None if None in found else found.count(True) == 1


def is_number(value: Any) -> bool:
    """Whether JSON takes it for a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind_of(value: Any) -> str:
    """Its type; a number is ``integer`` or ``fraction``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "integer" if isinstance(value, int) or value.is_integer() else "fraction"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def valid(value: Any, node: Node, deep: int = 0) -> Verdict:
    """Whether a value is valid under a schema. Each value that is tried is on the document's budget."""
    schema = node.schema
    if not node.document.budget.spend():
        return None
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict) or deep > _DEEPEST:
        return None
    if "$ref" in schema:
        try:
            target = valid(value, node.at(node.document.follow(schema["$ref"])), deep + 1)
        except Unsure:
            return None
        if node.document.ref_stands_alone:
            return target
        return all_of((target, _keywords(value, node, deep)))
    return _keywords(value, node, deep)


def _keywords(value: Any, node: Node, deep: int) -> Verdict:
    try:
        return all_of(
            _KEYWORDS[keyword](value, wanted, node, deep)
            for keyword, wanted in node.schema.items()
            if keyword in _KEYWORDS
        )
    except (TypeError, ValueError, AttributeError, KeyError, ZeroDivisionError, OverflowError):
        # A keyword's value is not what the specification wants there.
        return None


def _type(value: Any, wanted: Any, node: Node, _deep: int) -> Verdict:
    names = wanted if isinstance(wanted, list) else [wanted]
    kind = kind_of(value)
    if kind in names or (kind in ("integer", "fraction") and "number" in names):
        return True
    return None if value is None and node.schema.get("nullable") is True else False


def _each(combine: Callable[[Iterable[Verdict]], Verdict]) -> Callable[[Any, Any, Node, int], Verdict]:
    def check(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
        return combine([valid(value, node.at(schema), deep + 1) for schema in wanted])

    return check


def _number(holds: Callable[[Fraction, Fraction], bool]) -> Callable[[Any, Any, Node, int], Verdict]:
    def check(value: Any, wanted: Any, _node: Node, _deep: int) -> Verdict:
        if not is_number(value):
            return True
        # Draft 4 has true and false for exclusive limits; those are looked at with the limit.
        return holds(Fraction(value), Fraction(wanted)) if is_number(wanted) else None

    return check


def _limit(exclusive: str, sign: int) -> Callable[[Any, Any, Node, int], Verdict]:
    def check(value: Any, wanted: Any, node: Node, _deep: int) -> Verdict:
        if not is_number(value):
            return True
        distance = sign * (Fraction(value) - Fraction(wanted))
        return distance > 0 or (distance == 0 and node.schema.get(exclusive) is not True)

    return check


def _size(kind: str, holds: Callable[[int, int], bool]) -> Callable[[Any, Any, Node, int], Verdict]:
    def check(value: Any, wanted: Any, _node: Node, _deep: int) -> Verdict:
        return holds(len(value), wanted) if kind_of(value) == kind else True

    return check


def _pattern(value: Any, wanted: Any, node: Node, _deep: int) -> Verdict:
    return node.document.matches(wanted, value) if isinstance(value, str) else True


def _format(value: Any, wanted: Any, _node: Node, _deep: int) -> Verdict:
    """Only some check formats (2020-12, Validation, section 7.2.1): nothing is certainly invalid."""
    if isinstance(value, str):
        return True if wanted in OF_NUMBERS else None
    if not is_number(value) or wanted in OF_TEXT:
        return True
    low, high = INTEGERS.get(str(wanted), (1, 0))
    return True if kind_of(value) == "integer" and low <= value <= high else None


def _items(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    if not isinstance(value, list):
        return True
    if isinstance(wanted, list):
        return all_of(valid(item, node.at(schema), deep + 1) for item, schema in zip(value, wanted))
    first = len(node.schema.get("prefixItems", ()))
    return all_of(valid(item, node.at(wanted), deep + 1) for item in value[first:])


def _more_items(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    before = node.schema.get("items")
    if not isinstance(value, list) or not isinstance(before, list):
        return True
    return all_of(valid(item, node.at(wanted), deep + 1) for item in value[len(before) :])


def _unique(value: Any, wanted: Any, _node: Node, _deep: int) -> Verdict:
    if not wanted or not isinstance(value, list):
        return True
    return len({exact(item) for item in value}) == len(value)


def _required(value: Any, wanted: Any, _node: Node, _deep: int) -> Verdict:
    return not isinstance(value, dict) or all(name in value for name in wanted)


def _properties(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    if not isinstance(value, dict):
        return True
    return all_of(
        valid(value[name], node.at(schema), deep + 1) for name, schema in wanted.items() if name in value
    )


def _pattern_properties(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    if not isinstance(value, dict):
        return True
    return all_of(
        any_of((opposite(node.document.matches(pattern, name)), valid(inner, node.at(schema), deep + 1)))
        for pattern, schema in wanted.items()
        for name, inner in value.items()
    )


def _additional(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    if not isinstance(value, dict):
        return True
    named, patterns = node.schema.get("properties", {}), node.schema.get("patternProperties", {})
    return all_of(
        any_of(
            (
                any_of(node.document.matches(pattern, name) for pattern in patterns),
                valid(inner, node.at(wanted), deep + 1),
            )
        )
        for name, inner in value.items()
        if name not in named
    )


def _names(value: Any, wanted: Any, node: Node, deep: int) -> Verdict:
    return not isinstance(value, dict) or all_of(valid(name, node.at(wanted), deep + 1) for name in value)


def _unknown(_value: Any, _wanted: Any, _node: Node, _deep: int) -> Verdict:
    return None


_KEYWORDS: dict[str, Callable[[Any, Any, Node, int], Verdict]] = {
    "type": _type,
    "enum": lambda value, wanted, node, _deep: exact(value) in node.document.listed(wanted),
    "const": lambda value, wanted, _node, _deep: exact(value) == exact(wanted),
    "allOf": _each(all_of),
    "anyOf": _each(any_of),
    "oneOf": _each(one_of),
    "not": lambda value, wanted, node, deep: opposite(valid(value, node.at(wanted), deep + 1)),
    "minimum": _limit("exclusiveMinimum", 1),
    "maximum": _limit("exclusiveMaximum", -1),
    "exclusiveMinimum": lambda value, wanted, node, deep: (
        True if isinstance(wanted, bool) else _number(lambda a, b: a > b)(value, wanted, node, deep)
    ),
    "exclusiveMaximum": lambda value, wanted, node, deep: (
        True if isinstance(wanted, bool) else _number(lambda a, b: a < b)(value, wanted, node, deep)
    ),
    "multipleOf": _number(lambda a, b: (a / b).denominator == 1),
    "minLength": _size("string", lambda size, limit: size >= limit),
    "maxLength": _size("string", lambda size, limit: size <= limit),
    "pattern": _pattern,
    "format": _format,
    "minItems": _size("array", lambda size, limit: size >= limit),
    "maxItems": _size("array", lambda size, limit: size <= limit),
    "uniqueItems": _unique,
    "items": _items,
    "additionalItems": _more_items,
    "prefixItems": lambda value, wanted, node, deep: (
        not isinstance(value, list)
        or all_of(valid(item, node.at(schema), deep + 1) for item, schema in zip(value, wanted))
    ),
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "minProperties": _size("object", lambda size, limit: size >= limit),
    "maxProperties": _size("object", lambda size, limit: size <= limit),
    **dict.fromkeys(
        (
            "$dynamicRef", "$recursiveRef", "if", "contains", "dependencies", "dependentRequired",
            "dependentSchemas", "unevaluatedItems", "unevaluatedProperties", "contentEncoding",
            "contentMediaType", "contentSchema",
        ),
        _unknown,
    ),
}  # fmt: skip
"""Each keyword that rules values out; any other says nothing of them."""
