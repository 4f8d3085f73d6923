# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema as alternatives: each a list of plain parts that hold together, with what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .document import Node, Unsure, exact
from .instance import kind_of, valid

MOST = 256
"""Alternatives of one schema that are looked at."""

MOST_PARTS = 1000
"""Schemas that hold together and are looked at."""

_FREE_STEPS = 64
"""Schemas within one place that cost no more than its question."""

KINDS = frozenset({"null", "boolean", "object", "array", "string", "integer", "fraction"})
"""Types of values, as disjoint sets: a number is an integer or has a fraction."""

NULLABLE = "nullable"
"""What ``nullable: true`` beside a type allows: null for some, for JSON Schema nothing."""

_COMBINING = ("$ref", "allOf", "anyOf", "oneOf")
_UNEVALUATED = ("unevaluatedItems", "unevaluatedProperties")
COMBINED = "$combined"
"""Marks a part whose meaning depends on schemas that were taken apart from it."""
_DOUBTFUL_NULL = {"type": [], NULLABLE: True}
"""Allows only what NULLABLE does."""


@dataclass(frozen=True)
class Branch:
    """``parts`` are schemas without references and alternatives, all of which hold. ``besides``: schemas of
    which none may hold (the others of a oneOf). ``chosen``: of each oneOf (by identity) the number of the one
    that holds."""

    parts: tuple[Node, ...]
    besides: tuple[Node, ...] = ()
    chosen: tuple[tuple[int, int], ...] = ()

    def excludes(self, other: Branch) -> bool:
        """Whether another one of the same schema cannot hold together with this one."""
        mine, its = dict(self.chosen), dict(other.chosen)
        return any(mine[one] != its[one] for one in mine.keys() & its.keys())


@dataclass(frozen=True)
class _Open:
    """An alternative that is not resolved yet: each node with the references that led to it."""

    waiting: tuple[tuple[Node, frozenset[str]], ...]
    parts: tuple[Node, ...] = ()
    besides: tuple[Node, ...] = ()
    chosen: tuple[tuple[int, int], ...] = ()


def branches(nodes: Sequence[Node]) -> list[Branch]:
    """The alternatives of schemas that all hold; none where no value is valid.

    :raises Unsure: when that cannot be told: a circle of references, too many alternatives.
    """
    found: list[Branch] = []
    steps = 0
    opened = [_Open(tuple((node, frozenset[str]()) for node in nodes))]
    while opened:
        state = opened.pop()
        _bounded(len(found) + len(opened))
        steps += 1
        if steps % _FREE_STEPS == 0 and not nodes[0].document.budget.spend(_FREE_STEPS):
            raise Unsure("cannot tell what it allows: there is too much in it to look at")
        if not state.waiting:
            found.append(Branch(state.parts, state.besides, state.chosen))
        else:
            opened += reversed(_resolved(state))
    return found


def _bounded(alternatives: int) -> None:
    if alternatives > MOST:
        raise Unsure(f"cannot tell what it allows: it has more than {MOST} alternatives")


def _resolved(state: _Open) -> list[_Open]:
    """The state with its first waiting schema resolved: one state, several, or none."""
    (node, led), *rest = state.waiting
    schema = node.schema
    if schema is True:
        return [replace(state, waiting=tuple(rest))]
    if schema is False:
        return []
    if not isinstance(schema, dict):
        raise Unsure(f"cannot tell what it allows: {schema!r:.80} is no schema")
    waiting = list(rest)
    plain = {keyword: value for keyword, value in schema.items() if keyword not in _COMBINING}
    if "$ref" in schema:
        reference = f"{id(node.document)} {schema['$ref']}"
        if reference in led:
            raise Unsure(f"cannot tell what it allows: the reference {schema['$ref']!r} goes in circles")
        waiting.append((node.at(node.document.follow(schema["$ref"])), led | {reference}))
        if node.document.ref_stands_alone:
            return [replace(state, waiting=tuple(waiting))]
    waiting += [(node.at(inner), led) for inner in _list(schema, "allOf")]
    if len(waiting) + len(state.parts) > MOST_PARTS:
        raise Unsure(f"cannot tell what it allows: more than {MOST_PARTS} schemas hold together")
    combined = any(keyword in schema for keyword in _COMBINING)
    if combined and any(keyword in schema for keyword in _UNEVALUATED):
        plain[COMBINED] = True
    parts = (*state.parts, *((node.at(plain),) if plain else ()))
    states = _chosen(replace(state, waiting=tuple(waiting), parts=parts), node, led)
    if combined and schema.get(NULLABLE) is True and "type" not in schema:
        nothing = (*state.parts, node.at(_DOUBTFUL_NULL))
        states.append(replace(state, waiting=tuple(rest), parts=nothing))
    return states


def _chosen(state: _Open, node: Node, led: frozenset[str]) -> list[_Open]:
    """The state with each way to choose from anyOf and oneOf of a schema."""
    any_of, one_of = _list(node.schema, "anyOf"), _list(node.schema, "oneOf")
    # Told before they are built: a server writes both lists.
    _bounded(math.prod(len(listed) or 1 for listed in (any_of, one_of)))
    states = [state]
    if any_of:
        states = [replace(state, waiting=(*state.waiting, (node.at(inner), led))) for inner in any_of]
    if one_of:
        others = [node.at(inner) for inner in one_of]
        states = [
            replace(
                each,
                waiting=(*each.waiting, (other, led)),
                besides=(*each.besides, *others[:number], *others[number + 1 :]),
                chosen=(*each.chosen, (id(one_of), number)),
            )
            for each in states
            for number, other in enumerate(others)
        ]
    return states


def _list(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    value = schema.get(keyword, [])
    if not isinstance(value, list) or (keyword in schema and not value):
        raise Unsure(f"cannot tell what it allows: its {keyword} is no list of schemas")
    return value


@dataclass(frozen=True)
class Facts:
    """What the parts of a branch say together.

    ``types``: kinds of values (and NULLABLE); ``values``: all values, where they can be counted. ``free``: an
    object of it is allowed to have names that nothing speaks of. ``also``: names that it may have because
    something besides its parts speaks of them, with what is known of their values.
    """

    branch: Branch
    types: frozenset[str]
    values: tuple[Any, ...] | None = None
    required: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    others: tuple[Node, ...] = ()
    closed: bool = False
    free: bool = False
    also: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    cache: dict[str, tuple[Node, ...] | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def impossible(self) -> bool:
        """Whether no value can be valid."""
        return not self.types or self.values == ()

    @property
    def open(self) -> bool:
        """Whether names that are not named are allowed on purpose, or because nothing is said of any."""
        return (bool(self.others) or self.free) and not self.closed

    @property
    def expected(self) -> tuple[str, ...]:
        """All names that are spoken of."""
        return tuple(dict.fromkeys((*self.names, *sorted(self.required), *self.also)))

    def member(self, name: str) -> tuple[Node, ...] | None:
        """The schemas that hold for a member of an object; None when it has none of that name.

        What neither names nor allows a name on purpose is taken not to use it: a caller sends what a tool
        describes, and a tool gives it.
        """
        if name not in self.cache:
            self.cache[name] = self._member(name)
        return self.cache[name]

    def _member(self, name: str) -> tuple[Node, ...] | None:
        found: list[Node] = []
        expected = name in self.required
        for part in self.branch.parts:
            schema = part.schema
            own = [part.at(inner) for inner in named(part, name)]
            expected = expected or bool(own)
            if not own and "additionalProperties" in schema:
                if schema["additionalProperties"] is False:
                    return None
                own, expected = [part.at(schema["additionalProperties"])], True
            found += own
        if name in self.also and not expected:
            return (*found, *self.also[name])
        return tuple(found) if expected else None

    def limit(self, keyword: str, pick: Any) -> Any:
        """The strictest value of a numeric keyword, by ``pick`` (max or min); None when there is none."""
        found = [
            part.schema[keyword]
            for part in self.branch.parts
            if isinstance(part.schema.get(keyword), (int, float))
            and not isinstance(part.schema[keyword], bool)
        ]
        return pick(found) if found else None

    def all(self, keyword: str) -> Iterator[Any]:
        """Each value of a keyword."""
        for part in self.branch.parts:
            if keyword in part.schema:
                yield part.schema[keyword]

    def item(self, index: int | None) -> tuple[Node, ...]:
        """The schemas that hold for one item of an array; None: for those after all that are named."""
        found = []
        for part in self.branch.parts:
            first, rest = tuple_of(part.schema)
            if index is not None and index < len(first):
                found.append(part.at(first[index]))
            elif rest is not None:
                found.append(part.at(rest))
        return tuple(found)

    @property
    def positions(self) -> int:
        """How many items have a schema of their own."""
        return max((len(tuple_of(part.schema)[0]) for part in self.branch.parts), default=0)


def tuple_of(schema: Mapping[str, Any]) -> tuple[list[Any], Any]:
    """The schemas of the first items, and that of the rest (None: none), in either way of writing them."""
    items, first = schema.get("items"), schema.get("prefixItems", [])
    if isinstance(items, list):
        return items, schema.get("additionalItems")
    return (first if isinstance(first, list) else []), items


def named(part: Node, name: str) -> list[Any]:
    """The schemas that a part has for a name, by itself and by patterns."""
    properties, patterns = mapping(part.schema, "properties"), mapping(part.schema, "patternProperties")
    found = [properties[name]] if name in properties else []
    for pattern, inner in patterns.items():
        verdict = part.document.matches(pattern, name)
        if verdict is None:
            raise Unsure(f"cannot tell whether the pattern {pattern!r} names {name!r}")
        found += [inner] if verdict else []
    return found


def mapping(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    """A keyword that is a mapping by name; empty where it is not there.

    :raises Unsure: when it is something else.
    """
    value = schema.get(keyword, {})
    if not isinstance(value, dict):
        raise Unsure(f"cannot tell what it allows: its {keyword} is no mapping")
    return value


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of values that the keyword ``type`` allows.

    :raises Unsure: when it names one that JSON Schema does not know.
    """
    if "type" not in schema:
        return KINDS
    wanted = schema["type"]
    names = wanted if isinstance(wanted, list) else [wanted]
    found: set[str] = set()
    for name in names:
        kinds = {"number": {"integer", "fraction"}}.get(str(name), {str(name)})
        if not kinds <= KINDS:
            raise Unsure(f"cannot tell what it allows: there is no type {name!r}")
        found |= kinds
    if "null" not in found and schema.get("nullable") is True:
        found.add(NULLABLE)
    return frozenset(found)


def lacking(types: frozenset[str], allowed: frozenset[str]) -> frozenset[str]:
    """The kinds that are not allowed. Where null is, so is what only some take for null."""
    return types - allowed - ({NULLABLE} if "null" in allowed else set())


def common(types: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The kinds that both have."""
    return types - lacking(types, others) | others - lacking(others, types) - {"null"}


def facts_of(branch: Branch, inner: bool = True) -> Facts:
    """What the parts of a branch say together.

    :param inner: whether it is within a schema. What is sent as all of a tool's arguments has the names that
        the tool describes; an object within that describes none is one for any names.
    :raises Unsure: when a keyword is not what the specification wants there.
    """
    types = KINDS
    values: list[Any] | None = None
    _well_formed(branch)
    required: set[str] = set()
    names: dict[str, None] = {}
    patterns: dict[str, None] = {}
    others: list[Node] = []
    closed = False
    for part in branch.parts:
        schema = part.schema
        types = common(types, types_of(schema))
        for listed in ([schema["const"]] if "const" in schema else None, schema.get("enum")):
            if isinstance(listed, list):
                known = {exact(item) for item in listed}
                values = [item for item in (listed if values is None else values) if exact(item) in known]
        if isinstance(schema.get("required"), list):
            required |= {str(name) for name in schema["required"]}
        names.update(dict.fromkeys(mapping(schema, "properties")))
        patterns.update(dict.fromkeys(mapping(schema, "patternProperties")))
        if "additionalProperties" in schema:
            closed = closed or schema["additionalProperties"] is False
            others.append(part.at(schema["additionalProperties"]))
    if values is None and not types - {"null", "boolean"}:
        values = [value for value in (None, True, False) if kind_of(value) in types]
    if values is not None:
        doubtful = {NULLABLE} if NULLABLE in types and None in values else set()
        values = [value for value in values if _possible(value, branch, types)]
        types = frozenset(kind_of(value) for value in values) | doubtful
    return Facts(
        branch,
        frozenset(types),
        None if values is None else tuple(values),
        frozenset(required),
        tuple(names),
        tuple(patterns),
        tuple(others),
        closed,
        inner and not (names or patterns or others),
    )


def _well_formed(branch: Branch) -> None:
    """:raises Unsure: for a keyword that would be taken for none, as it is not what it should be."""
    for part in branch.parts:
        for keyword, value in part.schema.items():
            if keyword in _SCHEMAS and not isinstance(value, (dict, bool)):
                # Older dialects have lists of items.
                several = keyword == "items" and isinstance(value, list) and not part.document.items_are_one
                if not several or "prefixItems" in part.schema:
                    raise Unsure(f"cannot tell what it allows: its {keyword} is no schema")
            elif keyword in _LISTED and not isinstance(value, list):
                raise Unsure(f"cannot tell what it allows: its {keyword} is no list")


_SCHEMAS = frozenset({"additionalItems", "additionalProperties", "items"})
_LISTED = frozenset({"enum", "prefixItems"})


def _possible(value: Any, branch: Branch, types: frozenset[str]) -> bool:
    return kind_of(value) in types and all(valid(value, part) is not False for part in branch.parts)
