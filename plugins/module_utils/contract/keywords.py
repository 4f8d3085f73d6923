# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each keyword of a schema: whether it refuses something that another schema allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from . import formats
from .branches import COMBINED, Facts, mapping, named
from .document import Node, Unsure
from .instance import valid
from .reason import Reason, show, unsure, values_reason

Nodes = tuple[Node, ...]


class Asking(Protocol):
    """What is needed of a question to ask others within it."""

    names_of_first: bool

    def within(self, first: Nodes, second: Nodes) -> tuple[Reason, ...]:
        """Reasons why the second does not allow all that the first does."""


EXACT = 2**53 - 1
"""Integers beyond it are not exchanged exactly (RFC 7493, section 2.2): libraries write this limit by
themselves, and it takes nothing from anybody."""

_NUMBERS = frozenset({"integer", "fraction"})


def refusals(question: Asking, facts: Facts, other: Facts) -> list[Reason]:
    """Reasons why a branch (``other``) does not allow all that ``facts`` do, whose types it has."""
    found: list[Reason] = []
    for part in other.branch.parts:
        for keyword, wanted in part.schema.items():
            if keyword in _CHECKS:
                types, check = _CHECKS[keyword]
                if facts.types & types:
                    found += _careful(check, question, facts, part, keyword, wanted)
    if "object" in facts.types and "object" in other.types:
        found += _names(question, facts, other)
    if "array" in facts.types:
        found += _items(question, facts, other)
    return found


_Check = Callable[[Asking, Facts, Node, str, Any], list[Reason]]


def _careful(
    check: _Check, question: Asking, facts: Facts, part: Node, keyword: str, wanted: Any
) -> list[Reason]:
    try:
        return check(question, facts, part, keyword, wanted)
    except (TypeError, ValueError, AttributeError, KeyError, ZeroDivisionError, OverflowError):
        return [unsure(f"cannot tell what it allows: its {keyword} is not what JSON Schema wants there")]


def _names(question: Asking, facts: Facts, other: Facts) -> list[Reason]:
    """What only one side names: an argument that is sent in vain, a part of a result that is waited for."""
    if question.names_of_first:
        lost = [name for name in facts.names if _described(facts, name) and not _described(other, name)]
        found = [Reason("gone", path=(name,)) for name in lost if other.member(name) is None]
        if not other.closed:
            found += _unnamed(facts, other, "gone", "described")
        return found
    lost = [
        name
        for name in other.names
        if _described(other, name) and (facts.member(name) is None or name in facts.also)
    ]
    return [Reason("missing", path=(name,)) for name in lost] + _unnamed(
        other, facts, "missing", "undescribed"
    )


def _unnamed(facts: Facts, other: Facts, one: str, several: str) -> list[Reason]:
    """Names that are described without being named, and by the other side not at all: they get lost, too.

    :param one: what is said of a pattern of names, and ``several`` of all further ones.
    """
    if other.open:
        return []
    patterns = [pattern for pattern in facts.patterns if pattern not in other.patterns]
    found = [Reason(one, path=(f"[{pattern}]",)) for pattern in patterns]
    if facts.open and any(node.schema is not True and node.schema != {} for node in facts.others):
        found.append(Reason(several))
    return found


def _described(facts: Facts, name: str) -> bool:
    """Whether it is named, and not only to be ruled out."""
    nodes = facts.member(name)
    return nodes is not None and not any(node.schema is False for node in nodes)


def _enum(_question: Asking, _facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    return [values_reason("enumerated", [wanted] if keyword == "const" else wanted)]


_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
"""Limits, and those that exclude the limit itself."""


def _least(_question: Asking, facts: Facts, part: Node, keyword: str, wanted: Any) -> list[Reason]:
    return _bound(facts, part, keyword, wanted, *_LOWER, 1)


def _most(_question: Asking, facts: Facts, part: Node, keyword: str, wanted: Any) -> list[Reason]:
    return _bound(facts, part, keyword, wanted, *_UPPER, -1)


def _bound(
    facts: Facts, part: Node, keyword: str, wanted: Any, loose: str, strict: str, sign: int
) -> list[Reason]:
    if isinstance(wanted, bool):
        return []
    excluded = keyword == strict or part.schema.get(strict) is True
    if facts.types & _NUMBERS == {"integer"} and sign * Fraction(wanted) <= -EXACT:
        return []
    held = _tightest(facts, loose, strict, sign)
    if held is not None:
        if facts.types & _NUMBERS == {"integer"}:
            lowest = [_lowest(sign * value, out) for value, out in (held, (Fraction(wanted), excluded))]
            if lowest[0] >= lowest[1]:
                return []
        distance = sign * (held[0] - Fraction(wanted))
        if distance > 0 or (distance == 0 and (held[1] or not excluded)):
            return []
    before = None if held is None else _plain(held[0])
    return [Reason(keyword, before, wanted)]


def _lowest(limit: Fraction, excluded: bool) -> int:
    """The lowest integer that a lower limit allows."""
    return math.floor(limit) + 1 if excluded else math.ceil(limit)


def _tightest(facts: Facts, loose: str, strict: str, sign: int) -> tuple[Fraction, bool] | None:
    """The limit that holds, and whether it is itself excluded."""
    limits = []
    for node in facts.branch.parts:
        for keyword in (loose, strict):
            value = node.schema.get(keyword)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                excluded = keyword == strict or node.schema.get(strict) is True
                limits.append((sign * Fraction(value), excluded))
        if str(node.schema.get("format")) in formats.INTEGERS:
            low, high = formats.INTEGERS[node.schema["format"]]
            limits.append((Fraction(low if sign == 1 else -high), False))
    if not limits:
        return None
    value, excluded = max(limits)
    return sign * value, excluded


def _plain(number: Fraction) -> Any:
    return int(number) if number.denominator == 1 else float(number)


def _multiple(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    held = [value for value in facts.all(keyword) if not isinstance(value, bool)]
    if any((Fraction(value) / Fraction(wanted)).denominator == 1 for value in held):
        return []
    if facts.types & _NUMBERS == {"integer"} and (1 / Fraction(wanted)).denominator == 1:
        return []
    return [Reason(keyword, held[0] if held else None, wanted)]


def _count(wanted: Any) -> float:
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        raise TypeError(f"{wanted!r} is no number")
    return wanted


def _at_least(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    held = facts.limit(keyword, max)
    wanted = _count(wanted)
    if wanted <= (held or 0):
        return []
    if keyword == "minProperties" and len(facts.required) >= wanted:
        return []
    return [Reason(keyword, held, wanted)]


def _at_most(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    held = facts.limit(keyword, min)
    wanted = _count(wanted)
    if held is not None and held <= wanted:
        return []
    if keyword == "maxProperties" and not facts.open and not facts.patterns and len(facts.expected) <= wanted:
        return []
    if keyword == "maxItems" and facts.item(None)[:1] and any(
        node.schema is False for node in facts.item(None)
    ) and facts.positions <= wanted:  # fmt: skip
        return []
    return [Reason(keyword, held, wanted)]


def _pattern(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    held = list(facts.all(keyword))
    if wanted in held:
        return []
    return [Reason(keyword, held[0] if held else None, wanted, unsure=bool(held))]


def _format(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    held = [str(value) for value in facts.all(keyword)]
    if wanted in held:
        return []
    other = Reason(keyword, held[0] if held else None, wanted)
    found = []
    # A format of numbers says nothing of text, and the other way round; what nobody knows may be of both.
    if "string" in facts.types and wanted not in formats.OF_NUMBERS:
        implied = any(wanted in formats.IMPLIED.get(value, ()) for value in held)
        found += [] if implied else [other]
    if facts.types & _NUMBERS and wanted not in formats.OF_TEXT:
        if wanted not in formats.OF_NUMBERS:
            found.append(unsure(f"cannot tell whether the format {show(wanted)} allows all that was allowed"))
        elif not _fits(facts, wanted):
            found.append(other)
    return found


def _fits(facts: Facts, wanted: str) -> bool:
    """Whether all numbers of a branch are of a format of numbers, by what limits them."""
    if wanted == formats.DOUBLE:
        return True  # as all numbers that are exchanged exactly
    whole = facts.types & _NUMBERS == {"integer"} or any(
        str(value) in formats.INTEGERS for value in facts.all("format")
    )
    exact = formats.FLOAT_EXACT
    low, high = formats.INTEGERS.get(wanted, (-exact, exact))
    least, most = _tightest(facts, *_LOWER, 1), _tightest(facts, *_UPPER, -1)
    return (
        whole
        and (low <= -EXACT or (least is not None and least[0] >= low))
        and (high >= EXACT or (most is not None and most[0] <= high))
    )


def _unique(_question: Asking, facts: Facts, _part: Node, keyword: str, wanted: Any) -> list[Reason]:
    most = facts.limit("maxItems", min)
    if not wanted or any(facts.all(keyword)) or (most is not None and most <= 1):
        return []
    return [Reason("unique")]


def _items(question: Asking, facts: Facts, other: Facts) -> list[Reason]:
    """Items one by one where either side says something of their place, then the rest."""
    found: list[Reason] = []
    most = facts.limit("maxItems", min)
    positions = max(facts.positions, other.positions)
    if positions > 64:
        return [unsure("cannot tell whether it allows the same: more than 64 items are described")]
    for index in (*range(positions), None):
        if most is not None and (positions if index is None else index) >= most:
            break
        first, second = facts.item(index), other.item(index)
        if any(node.schema is False for node in first) or not second:
            continue
        step = "[]" if index is None else f"[{index}]"
        found += [reason.under(step) for reason in question.within(first, second)]
    return found


def _required(question: Asking, facts: Facts, _part: Node, _keyword: str, wanted: Any) -> list[Reason]:
    return [Reason("required", path=(str(name),)) for name in wanted if str(name) not in facts.required]


def _properties(question: Asking, facts: Facts, part: Node, _keyword: str, wanted: Any) -> list[Reason]:
    found: list[Reason] = []
    for name, schema in wanted.items():
        mine = facts.member(name)
        if mine is None and facts.open and question.names_of_first:
            mine = facts.others
        if mine is not None:
            found += _under(name, question, mine, (part.at(schema),))
    return found


def _under(name: str, question: Asking, first: Nodes, second: Nodes) -> list[Reason]:
    if any(node.schema is False for node in first):
        return []
    if any(node.schema is False for node in second):
        return [Reason("gone", path=(name,))]
    return [reason.under(name) for reason in question.within(first, second)]


def _additional(question: Asking, facts: Facts, part: Node, _keyword: str, wanted: Any) -> list[Reason]:
    found: list[Reason] = []
    rest = (part.at(wanted),)
    for name in facts.expected:
        mine = facts.member(name)
        if mine is not None and not named(part, name):
            found += _under(name, question, mine, rest)
    patterns = mapping(part.schema, "patternProperties")
    for pattern, nodes in _by_pattern(facts):
        if pattern not in patterns:
            found += _under(f"[{pattern}]", question, nodes, rest)
    if facts.open:
        if wanted is False:
            found.append(Reason("others"))
        else:
            found += [reason.under("[*]") for reason in question.within(facts.others, rest)]
    return found


def _by_pattern(facts: Facts) -> list[tuple[str, Nodes]]:
    return [
        (pattern, tuple(
            node.at(mapping(node.schema, "patternProperties")[pattern])
            for node in facts.branch.parts
            if pattern in mapping(node.schema, "patternProperties")
        ))
        for pattern in facts.patterns
    ]  # fmt: skip


def _by_patterns(question: Asking, facts: Facts, part: Node, _keyword: str, wanted: Any) -> list[Reason]:
    found: list[Reason] = []
    for pattern, schema in wanted.items():
        second = (part.at(schema),)
        for name in facts.expected:
            verdict = part.document.matches(pattern, name)
            if verdict is None:
                raise Unsure(f"cannot tell whether the pattern {pattern!r} names {name!r}")
            mine = facts.member(name)
            if verdict and mine is not None:
                found += _under(name, question, mine, second)
        for theirs, nodes in _by_pattern(facts):
            # Two patterns may name the same; only all names of the one being allowed by the other is certain.
            found += _under(f"[{theirs}]", question, nodes, second)
        if facts.open:
            found += [reason.under(f"[{pattern}]") for reason in question.within(facts.others, second)]
    return found


_ANY_NAME = {"type": "string"}


def _propertynames(question: Asking, facts: Facts, part: Node, keyword: str, wanted: Any) -> list[Reason]:
    if _same_text(facts, part, keyword):
        return []
    if facts.open or facts.patterns:
        # Generators write it with each map, and mean any name by it ({"type": "string"}).
        own = [node.at(node.schema[keyword]) for node in facts.branch.parts if keyword in node.schema]
        if not question.within((part.at(_ANY_NAME), *own), (part.at(wanted),)):
            return []
        return [unsure("cannot tell whether propertyNames allows all names")]
    lost = [name for name in facts.expected if valid(name, part.at(wanted)) is not True]
    return [Reason("gone", path=(name,)) for name in lost]


def _same_text(facts: Facts, part: Node, *keywords: str) -> bool:
    """Whether a part of the other side says the same with these keywords, for certain."""
    wanted = part.at({keyword: part.schema[keyword] for keyword in keywords if keyword in part.schema})
    return any(
        node.at({keyword: node.schema[keyword] for keyword in keywords if keyword in node.schema}).same(
            wanted
        )
        for node in facts.branch.parts
    )


def _together(*keywords: str) -> _Check:
    """Keywords that are only compared by their text."""

    def check(_question: Asking, facts: Facts, part: Node, keyword: str, _wanted: Any) -> list[Reason]:
        if _same_text(facts, part, *keywords):
            return []
        return [unsure(f"cannot tell whether its {keyword} allows all that was allowed")]

    return check


def _whole(_question: Asking, facts: Facts, part: Node, keyword: str, _wanted: Any) -> list[Reason]:
    """A keyword whose meaning depends on all others beside it."""
    if COMBINED not in part.schema and any(node.same(part) for node in facts.branch.parts):
        return []
    return [unsure(f"cannot tell whether its {keyword} allows all that was allowed")]


_ANY = frozenset({"null", "boolean", "object", "array", "string", "integer", "fraction"})
_OBJECT, _ARRAY, _STRING = frozenset({"object"}), frozenset({"array"}), frozenset({"string"})

_CHECKS: dict[str, tuple[frozenset[str], _Check]] = {
    "enum": (_ANY, _enum),
    "const": (_ANY, _enum),
    "minimum": (_NUMBERS, _least),
    "exclusiveMinimum": (_NUMBERS, _least),
    "maximum": (_NUMBERS, _most),
    "exclusiveMaximum": (_NUMBERS, _most),
    "multipleOf": (_NUMBERS, _multiple),
    "minLength": (_STRING, _at_least),
    "maxLength": (_STRING, _at_most),
    "pattern": (_STRING, _pattern),
    "format": (_STRING | _NUMBERS, _format),
    "contentEncoding": (_STRING, _together("contentEncoding")),
    "contentMediaType": (_STRING, _together("contentMediaType")),
    "contentSchema": (_STRING, _together("contentSchema")),
    "minItems": (_ARRAY, _at_least),
    "maxItems": (_ARRAY, _at_most),
    "uniqueItems": (_ARRAY, _unique),
    "contains": (_ARRAY, _together("contains", "minContains", "maxContains")),
    "unevaluatedItems": (_ARRAY, _whole),
    "required": (_OBJECT, _required),
    "properties": (_OBJECT, _properties),
    "patternProperties": (_OBJECT, _by_patterns),
    "additionalProperties": (_OBJECT, _additional),
    "propertyNames": (_OBJECT, _propertynames),
    "minProperties": (_OBJECT, _at_least),
    "maxProperties": (_OBJECT, _at_most),
    "dependentRequired": (_OBJECT, _together("dependentRequired")),
    "dependentSchemas": (_OBJECT, _together("dependentSchemas")),
    "dependencies": (_OBJECT, _together("dependencies")),
    "unevaluatedProperties": (_OBJECT, _whole),
    "not": (_ANY, _together("not")),
    "if": (_ANY, _together("if", "then", "else")),
    "$dynamicRef": (_ANY, _together("$dynamicRef")),
    "$recursiveRef": (_ANY, _together("$recursiveRef")),
}
"""Keywords, the types that they say something of, and how they are compared. Others rule nothing out."""

APPLIES = {keyword: types for keyword, (types, _check) in _CHECKS.items()} | dict.fromkeys(
    ("additionalItems", "items", "maxContains", "minContains", "prefixItems"), _ARRAY
)
"""Keywords, and the types that they say something of."""

RULING = frozenset({"$ref", "maxContains", "minContains", "nullable", "type"})
"""Those that are compared together with others."""
