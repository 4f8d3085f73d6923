# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schema says to whoever reads it, and does not rule: descriptions, and all that decides nothing where
it stands.

A model reads the text of a schema as a whole, so a sentence can be put anywhere: in a keyword that nobody
knows, in a ``then`` without ``if``, in the ``pattern`` of an object, in a definition that nothing refers to.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .branches import KINDS, NULLABLE, types_of
from .document import LISTS, MAPS, NAMING, SINGLE, Document, Unsure, core, subschemas
from .formats import KNOWN
from .instance import is_number, kind_of
from .keywords import APPLIES, RULING
from .reason import place, show

Path = tuple[str, ...]
"""Steps from the root, each as ``subschemas`` names it: two places never have the same."""

HEADER = "x-mcp-header"
"""Names the HTTP header in which a caller repeats an argument (2026-07-28, Transports)."""

_DEFINITIONS = ("$defs", "definitions")
_KNOWN = frozenset(APPLIES) | MAPS | LISTS | SINGLE | RULING | {"$schema"}
_IN_PLACE = frozenset({"allOf", "anyOf", "dependentSchemas", "dependencies", "else", "if", "oneOf", "then"})
"""Keywords whose schemas are about the same value."""

_BESIDE = {
    "if": ("then", "else"), "then": ("if",), "else": ("if",), "minContains": ("contains",),
    "maxContains": ("contains",), "contentSchema": ("contentMediaType",),
}  # fmt: skip
"""Keywords that rule only beside one of others."""

_ENCODINGS = frozenset(
    {"7bit", "8bit", "base16", "base32", "base32hex", "base64", "base64url", "binary", "quoted-printable"}
)
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_DIALECT = re.compile(r"https?://json-schema\.org/[\w./-]*#?")
_NAME = re.compile(r"[\w.$:/\[\]<>,~*-]{1,120}")
_DYNAMIC = re.compile(r"#[\w./$-]*")
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def said(schema: Any) -> dict[Path, dict[str, Any]]:
    """By place, what is said there: keyword and value."""
    known = _Definitions(Document(schema, as_it_is=True))
    found: dict[Path, dict[str, Any]] = {}
    waiting: list[tuple[Path, Any, frozenset[str]]] = [((), schema, frozenset({"object"}))]
    while waiting:
        path, inner, kinds = waiting.pop()
        if not isinstance(inner, Mapping):
            if inner is not None and not isinstance(inner, bool):
                found[path] = {"value": inner}
            continue
        kinds = _kinds(inner, kinds)
        here = found[path] = dict(_said(inner, kinds, known))
        for step, below in subschemas(inner):
            keyword = re.split(r"[.\[]", step, maxsplit=1)[0]
            if keyword in _DEFINITIONS:
                if id(below) not in known.used:
                    continue
            elif keyword in here or (keyword == "dependencies" and isinstance(below, list)):
                continue
            waiting.append(((*path, step), below, kinds if keyword in _IN_PLACE else KINDS))
    return found


def where(path: Path) -> str:
    """``a.b[].c``: a place as it is shown."""
    steps = []
    for step in path:
        name = step[len("properties.") :] if step.startswith("properties.") else None
        if name is None:
            steps.append("[]" if step == "items" else f"[{step}]")
        else:
            # So that no name looks like a step.
            steps.append(name if not name.startswith("[") else f"[{show(name)}]")
    return place(tuple(steps))


def _kinds(schema: Mapping[str, Any], kinds: frozenset[str]) -> frozenset[str]:
    """The kinds of values that a place is about."""
    try:
        own = types_of(schema)
    except (Unsure, TypeError):
        return kinds
    return kinds & (own | {"null"} if NULLABLE in own else own)


class _Definitions:
    """A document whose definitions in use are looked up once, where it has any."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @functools.cached_property
    def used(self) -> frozenset[int]:
        """By identity, those of which the root makes any use, however indirectly."""
        return _used(self.document)


def _said(schema: Mapping[str, Any], kinds: frozenset[str], known: _Definitions) -> Iterator[tuple[str, Any]]:
    ignored = "$ref" in schema and known.document.ref_stands_alone
    for keyword, value in schema.items():
        if keyword in _DEFINITIONS and isinstance(value, Mapping):
            odd = {name: None for name in value if not _NAME.fullmatch(str(name))}
            odd.update({name: inner for name, inner in value.items() if id(inner) not in known.used})
            if odd:
                yield keyword, odd
        elif keyword == "enum" and isinstance(value, list):
            out = [item for item in value if ignored or kind_of(item) not in kinds]
            if out:
                yield keyword, out
        elif not _rules(keyword, value, schema, kinds) or (ignored and keyword != "$ref"):
            yield keyword, value


def _rules(keyword: str, value: Any, schema: Mapping[str, Any], kinds: frozenset[str]) -> bool:
    """Whether a keyword decides anything about values of these kinds."""
    if keyword not in _KNOWN or keyword in NAMING - {"$schema"}:
        return False
    if keyword in _SHAPES and not _SHAPES[keyword](value):
        return False
    if keyword == "const":
        return kind_of(value) in kinds
    if keyword == "additionalItems":
        return "array" in kinds and isinstance(schema.get("items"), list)
    if keyword in _BESIDE and not any(other in schema for other in _BESIDE[keyword]):
        return False
    return bool(kinds & APPLIES.get(keyword, KINDS))


def _used(document: Document) -> frozenset[int]:
    reached: set[int] = set()
    definitions: list[Any] = []
    waiting = [document.root]
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, Mapping) or id(schema) in reached:
            continue
        reached.add(id(schema))
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in schema:
                waiting += _target(document, schema[keyword])
        for step, below in subschemas(schema):
            (definitions if step.startswith(("$defs.", "definitions.")) else waiting).append(below)
    return frozenset(id(schema) for schema in definitions if _any_of(schema, reached))


def _target(document: Document, reference: Any) -> list[Any]:
    try:
        return [document.follow(reference)]
    except Unsure:
        return []


def _any_of(schema: Any, reached: set[int]) -> bool:
    """Whether a schema, or one within it, is reached; a reference may lead to a part of a definition."""
    waiting = [schema]
    while waiting:
        inner = waiting.pop()
        if id(inner) in reached:
            return True
        waiting += [below for _step, below in subschemas(inner)]
    return False


def _is_schema(value: Any) -> bool:
    return isinstance(value, (Mapping, bool))


def _some_rule(alternatives: Any) -> bool:
    """Whether an anyOf excludes anything: not where one alternative is anything, and others say more than a
    type."""
    if not isinstance(alternatives, list):
        return False
    cores = [core(schema) for schema in alternatives]
    return not any(schema is True or schema == {} for schema in cores) or not any(
        isinstance(schema, dict) and set(schema) - {"type"} for schema in cores
    )


def _types(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return all(isinstance(name, str) and name in _TYPES for name in listed)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _shaped(
    test: Callable[[Any], bool], keywords: frozenset[str] | set[str]
) -> dict[str, Callable[[Any], bool]]:
    return dict.fromkeys(keywords, test)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    **_shaped(_is_schema, SINGLE),
    **_shaped(lambda value: isinstance(value, Mapping), MAPS | {"dependencies", "dependentRequired"}),
    **_shaped(lambda value: isinstance(value, list), LISTS | {"enum"}),
    **_shaped(is_number, {
        "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems",
        "minLength", "minProperties", "minimum", "multipleOf",
    }),
    **_shaped(lambda value: isinstance(value, (bool, int, float)), {"exclusiveMaximum", "exclusiveMinimum"}),
    **_shaped(lambda value: isinstance(value, bool), {"nullable", "uniqueItems"}),
    **_shaped(lambda value: isinstance(value, str), {"$ref", "pattern"}),
    **_shaped(lambda value: bool(_DYNAMIC.fullmatch(str(value))), {"$dynamicRef"}),
    "$recursiveRef": lambda value: value == "#",
    "$schema": lambda value: bool(_DIALECT.fullmatch(str(value))),
    "anyOf": _some_rule,
    "contentEncoding": lambda value: str(value).lower() in _ENCODINGS,
    "contentMediaType": lambda value: bool(_MEDIA_TYPE.fullmatch(str(value))),
    "format": lambda value: str(value) in KNOWN,
    "items": lambda value: isinstance(value, (Mapping, bool, list)),
    "required": _names,
    "type": _types,
}  # fmt: skip
"""What the value of a keyword has to be like to rule anything."""
