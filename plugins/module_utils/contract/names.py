# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that an object may have by what stands beside an alternative, or further down in it.

What holds by one alternative of anyOf may hold by another as well and use its names; ``then``, ``else`` and
what depends on a member speak of names, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .branches import Branch, Facts, branches, facts_of
from .document import Budget, Node, Unsure

Nodes = tuple[Node, ...]

_CONDITIONAL = ("else", "if", "then")
_DEPENDENT = ("dependencies", "dependentRequired", "dependentSchemas")
_ANYWHERE = ("$dynamicRef", "$recursiveRef", "unevaluatedProperties")
_NAMING = frozenset((*_CONDITIONAL, *_DEPENDENT, *_ANYWHERE))


class _AnyName(Exception):
    """It may be any name."""


_FREE = 64
"""Names of all alternatives that cost no more than the question about them."""


def more_names(facts: Facts, alternatives: Sequence[Facts], budget: Budget) -> Facts:
    """An alternative of a schema with all names that it may have.

    :param alternatives: all of them.
    """
    if "object" not in facts.types or facts.closed:
        return facts
    also: dict[str, Nodes] = {}
    try:
        for name, nodes in _beside(facts, alternatives, budget):
            _add(also, name, nodes)
        for name, nodes in _deeper(facts.branch, {}):
            _add(also, name, nodes)
    except _AnyName:
        return replace(facts, free=True, also=also, cache={})
    known = set(facts.expected)
    also = {name: nodes for name, nodes in also.items() if name not in known}
    return replace(facts, also=also, cache={}) if also else facts


def _beside(facts: Facts, alternatives: Sequence[Facts], budget: Budget) -> Iterator[tuple[str, Nodes]]:
    """Names of the alternatives that may hold together with one."""
    if len(alternatives) == 1:
        return
    effort = sum(len(other.expected) for other in alternatives)
    if effort > _FREE and not budget.spend(effort):
        raise _AnyName
    for other in alternatives:
        if other is not facts and "object" in other.types and not facts.branch.excludes(other.branch):
            if not set(other.patterns) <= set(facts.patterns):
                raise _AnyName
            yield from ((name, other.member(name) or ()) for name in other.expected)
            yield from _deeper(other.branch, {})


def _add(also: dict[str, Nodes], name: str, nodes: Nodes) -> None:
    """A name; where two places do not say the same of it, it may be anything."""
    known = also.setdefault(name, nodes)
    alike = len(known) == len(nodes) and all(one.same(other) for one, other in zip(known, nodes))
    if not alike:
        also[name] = ()


def _within(part: Node, seen: dict[int, Any]) -> Iterator[tuple[str, Nodes]]:
    """Names in keywords that hold on a condition.

    :raises _AnyName: where it may be any.
    """
    schema = part.schema
    if any(keyword in schema and schema[keyword] is not False for keyword in _ANYWHERE):
        raise _AnyName
    for keyword in _CONDITIONAL:
        if keyword in schema:
            yield from _of(part.at(schema[keyword]), seen)
    for keyword in _DEPENDENT:
        depending = schema.get(keyword, {})
        if not isinstance(depending, Mapping):
            raise _AnyName
        for inner in depending.values():
            if isinstance(inner, list):
                yield from ((str(name), ()) for name in inner)
            else:
                yield from _of(part.at(inner), seen)


def _of(node: Node, seen: dict[int, Any]) -> Iterator[tuple[str, Nodes]]:
    """Names of a schema that may hold. Each schema is looked at once: they may refer to each other."""
    if id(node.schema) in seen or isinstance(node.schema, bool):
        return
    seen[id(node.schema)] = node.schema
    if not node.document.budget.spend():
        raise _AnyName
    try:
        found = [facts_of(branch, inner=False) for branch in branches((node,))]
    except Unsure as doubt:
        raise _AnyName from doubt
    for facts in found:
        if facts.patterns or (facts.others and not facts.closed):
            raise _AnyName
        for name in facts.expected:
            yield name, facts.member(name) or ()
        yield from _deeper(facts.branch, seen)


def _deeper(branch: Branch, seen: dict[int, Any]) -> Iterator[tuple[str, Nodes]]:
    for part in branch.parts:
        if not _NAMING.isdisjoint(part.schema):
            yield from _within(part, seen)
