# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema as it is compared: without the words that describe it, with its references resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from .pattern import MOST_WAYS, matches, ways

ANNOTATIONS = frozenset(
    {
        "$comment", "$vocabulary", "default", "deprecated", "description", "example", "examples", "icons",
        "markdownDescription", "readOnly", "title", "writeOnly",
    }
)  # fmt: skip
"""Keywords that describe a value and rule none out (2020-12, Validation, section 9)."""

NAMING = frozenset({"$anchor", "$defs", "$dynamicAnchor", "$id", "$schema", "definitions", "id"})
"""Keywords by which parts of a schema are found."""

MAPS = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
"""Keywords whose value has a schema by each name; a name there is no keyword. (``dependencies`` has a list of
names for some.)"""

LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLE = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_FRACTION = re.compile(r"\d\.0|\de")
_SETS = frozenset({"enum", "required", "type"})
_STEPS = 8000
"""Steps of a search for a pattern that cost as much as a question."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_IGNORES_SIBLINGS = tuple(f"draft-0{number}" for number in (3, 4, 6, 7))


class Unsure(Exception):
    """A question about a schema that has no certain answer; the text says which: ``cannot tell …``."""


def exact(value: Any) -> str:
    """A value as text, the same for equal values alone: neither 1 and true nor 1 and 1.5 are equal.

    A number without a fraction is the same number however it is written (2020-12, Core, section 4.2.1).
    """
    text = _dumped(value)
    # Only a number with a fraction or an exponent can be another way to write one without.
    return _dumped(_number(value)) if _FRACTION.search(text) else text


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _number(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return value


def subschemas(schema: Any) -> Iterator[tuple[str, Any]]:
    """The schemas directly in a schema, each with the path to it from there."""
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        if keyword in MAPS and isinstance(value, Mapping):
            yield from ((f"{keyword}.{name}", inner) for name, inner in value.items())
        elif isinstance(value, list) and (keyword in LISTS or keyword == "items"):
            yield from ((f"{keyword}[{number}]", inner) for number, inner in enumerate(value))
        elif keyword in SINGLE and isinstance(value, (Mapping, bool)):
            yield keyword, value


def core(schema: Any, words: bool = False) -> Any:
    """What of a schema decides which values are valid; the order of lists that are sets does not matter.

    :param words: what describes it, too.
    """
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if not words and (keyword in ANNOTATIONS or keyword == "$schema"):
            continue
        if keyword in MAPS and isinstance(value, Mapping):
            result[keyword] = {str(name): core(inner, words) for name, inner in value.items()}
        elif isinstance(value, list) and (keyword in LISTS or keyword == "items"):
            result[keyword] = [core(inner, words) for inner in value]
        elif keyword in SINGLE:
            result[keyword] = core(value, words)
        elif keyword in _SETS and isinstance(value, list):
            result[keyword] = sorted(value, key=exact)
        else:
            result[keyword] = value
    # An empty list of what is required says nothing.
    if result.get("required") == []:
        del result["required"]
    return result


def ordered(schema: Any) -> Any:
    """A schema as it is, with the lists that are sets in one order.

    Only where a keyword stands: what is called ``enum`` or ``required`` within a value (a default, a
    constant) is a part of that value.
    """
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _SETS and isinstance(value, list):
            result[keyword] = sorted(value, key=lambda item: (str(item), exact(item)))
        elif keyword in MAPS and isinstance(value, Mapping):
            result[keyword] = {name: ordered(inner) for name, inner in value.items()}
        elif isinstance(value, list) and (keyword in LISTS or keyword == "items"):
            result[keyword] = [ordered(inner) for inner in value]
        else:
            result[keyword] = ordered(value) if keyword in SINGLE else value
    return result


@dataclass
class Budget:
    """How much may still be asked of schemas, over several comparisons: questions, and values tried."""

    left: int = 400_000

    def spend(self, effort: int = 1) -> bool:
        """Whether there was still enough for it."""
        self.left -= effort
        return self.left >= 0


class Document:
    """One schema with all that its references lead to. Only references within it are followed.

    :param as_it_is: with the words that describe it.
    """

    def __init__(self, root: Any, budget: Budget | None = None, as_it_is: bool = False) -> None:
        self.root = root if as_it_is else core(root)
        self.budget = budget or Budget()
        dialect = root.get("$schema") if isinstance(root, Mapping) else None
        self.ref_stands_alone = isinstance(dialect, str) and any(old in dialect for old in _IGNORES_SIBLINGS)
        self.items_are_one = isinstance(dialect, str) and "2020-12" in dialect
        """Whether it says that it is of the dialect in which ``items`` is one schema, and no list of them."""
        self._texts: dict[int, tuple[Any, str]] = {}
        self._listed: dict[int, tuple[Any, frozenset[str]]] = {}
        self._anchors: dict[str, Any] | None = None
        self._rebased = False
        identity = self.root.get("$id") if isinstance(self.root, dict) else None
        self._identity = identity.rstrip("#") if isinstance(identity, str) else None

    def text(self, schema: Any) -> str:
        """A schema of it as ``exact`` text."""
        kept = self._texts.get(id(schema))
        if kept is None:
            kept = self._texts[id(schema)] = (schema, exact(schema))
        return kept[1]

    def listed(self, values: Any) -> frozenset[str]:
        """The values of a list of it, each as ``exact`` text."""
        kept = self._listed.get(id(values))
        if kept is None:
            kept = self._listed[id(values)] = (values, frozenset(exact(value) for value in values))
        return kept[1]

    def matches(self, pattern: str, text: str) -> bool | None:
        """Whether a pattern of it is found in a text; None when it is not tried, for its cost."""
        tries = ways(pattern)
        if tries > MOST_WAYS or not self.budget.spend(tries * len(text) // _STEPS):
            return None
        return matches(pattern, text)

    def refers(self, schema: Any) -> bool:
        """Whether a schema of it has a reference anywhere."""
        return any(f'"{keyword}":' in self.text(schema) for keyword in _REFERENCES)

    def follow(self, reference: Any) -> Any:
        """The schema that a reference leads to.

        :raises Unsure: when that is not in this document.
        """
        missing = Unsure(f"cannot tell what it allows: the reference {reference!r} leads nowhere")
        if not isinstance(reference, str):
            raise missing
        place, _hash, fragment = reference.partition("#")
        if self._anchors is None:
            self._anchors = self._named()
        if self._rebased or (place and place != self._identity):
            raise Unsure(f"cannot tell what it allows: the reference {reference!r} leads out of the schema")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise missing
            return self._anchors[fragment]
        found = self.root
        for step in fragment.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                raise missing
        return found

    def _named(self) -> dict[str, Any]:
        """What has a name of its own; notes whether a part of it counts its references from elsewhere."""
        anchors: dict[str, Any] = {}
        places = [self.root]
        while places:
            place = places.pop()
            if isinstance(place, dict):
                identity = place.get("$id")
                for anchor in (place.get("$dynamicAnchor"), place.get("$anchor")):
                    if isinstance(anchor, str):
                        anchors[anchor] = place
                if isinstance(identity, str) and identity.startswith("#"):
                    anchors[identity[1:]] = place
                elif isinstance(identity, str) and place is not self.root:
                    self._rebased = True
                places += [inner for _path, inner in subschemas(place)]
        return anchors


@dataclass(frozen=True, eq=False)
class Node:
    """A schema within its document."""

    document: Document
    schema: Any

    def at(self, schema: Any) -> Node:
        """Another schema of the same document."""
        return Node(self.document, schema)

    def same(self, other: Node) -> bool:
        """Whether both say the same in the same words; False where only comparing them can tell."""
        mine, its = self.document.text(self.schema), other.document.text(other.schema)
        if mine != its:
            return False
        if self.document.ref_stands_alone != other.document.ref_stands_alone:
            return False
        roots = self.document.text(self.document.root) == other.document.text(other.document.root)
        return roots or not self.document.refers(self.schema)


def node_of(schema: Any, budget: Budget | None = None) -> Node:
    """The root of a schema."""
    document = Document(schema, budget)
    return Node(document, document.root)
