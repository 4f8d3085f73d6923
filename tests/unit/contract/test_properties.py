# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called compatible, held against an independent validator: whatever was valid must be valid.

Schemas and values come from one small world of names and values, so that they often meet.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.document import node_of, subschemas
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.instance import valid
from tests.unit.contract.changes import INPUT, OUTPUT
from tests.unit.contract.test_changes import changed

NAMES = ("a", "b", "c")
SCALARS = (None, True, False, 0, 1, 2, 3, -1, 0.5, 1.0, "", "x", "xy", "xyz")

names = st.sampled_from(NAMES)
scalars = st.sampled_from(SCALARS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
types = st.sampled_from(("null", "boolean", "integer", "number", "string", "array", "object"))
small = st.integers(0, 3)


def schemas() -> st.SearchStrategy[Any]:
    """Schemas of every keyword that is judged, most of one type, small and nested."""
    plain = st.one_of(
        st.just({}),
        st.booleans(),
        st.builds(lambda kind: {"type": kind}, types),
        st.builds(lambda kinds: {"type": kinds}, st.lists(types, min_size=1, max_size=3, unique=True)),
        st.builds(lambda listed: {"enum": listed}, st.lists(scalars, min_size=1, max_size=4)),
        st.builds(lambda value: {"const": value}, scalars),
        st.fixed_dictionaries(
            {"type": st.sampled_from(("integer", "number"))},
            optional={
                "minimum": small, "maximum": small, "exclusiveMinimum": small, "exclusiveMaximum": small,
                "multipleOf": st.sampled_from((1, 2, 0.5)),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("string")},
            optional={
                "minLength": small, "maxLength": small, "pattern": st.sampled_from(("^x", "y$", "x*")),
            },
        ),
    )  # fmt: skip
    return st.recursive(plain, _larger, max_leaves=8)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(names, inner, max_size=3)},
            optional={
                "required": st.lists(names, max_size=2, unique=True),
                "additionalProperties": inner | st.booleans(),
                "patternProperties": st.dictionaries(st.sampled_from(("^a", "[bc]")), inner, max_size=1),
                "minProperties": small,
                "maxProperties": small,
                "propertyNames": st.just({"pattern": "^[ab]"}),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={
                "items": inner, "prefixItems": several, "minItems": small, "maxItems": small,
                "uniqueItems": st.booleans(), "contains": inner,
            },
        ),
        st.builds(lambda listed: {"anyOf": listed}, several),
        st.builds(lambda listed: {"oneOf": listed}, several),
        st.builds(lambda listed: {"allOf": listed}, several),
        st.builds(lambda schema: {"not": schema}, inner),
    )  # fmt: skip


def _of_the_root() -> st.SearchStrategy[dict[str, Any]]:
    """What makes a root a map, or an alternative of several."""
    objects = st.builds(
        lambda properties, required: {"properties": properties, "required": required},
        st.dictionaries(names, schemas(), min_size=1, max_size=2),
        st.lists(names, max_size=1),
    )
    several = st.lists(objects, min_size=1, max_size=2)
    rare: dict[str, st.SearchStrategy[Any]] = {
        "additionalProperties": schemas() | st.booleans(),
        "patternProperties": st.dictionaries(st.sampled_from(("^a", "[bc]")), schemas(), max_size=1),
        "maxProperties": small,
        "propertyNames": st.just({"pattern": "^[ab]"}),
        "anyOf": several,
        "oneOf": several,
        "then": objects,
    }
    chosen = st.sets(st.sampled_from(sorted(rare)), max_size=2)
    return chosen.flatmap(lambda keywords: st.fixed_dictionaries({key: rare[key] for key in keywords}))


@st.composite
def roots(draw: st.DrawFn) -> dict[str, Any]:
    """The schema of arguments or of a result: an object, with definitions that may refer to themselves."""
    properties = {name: draw(schemas()) for name in draw(st.sets(names, max_size=3))}
    definition = draw(schemas())
    if draw(st.booleans()):
        properties[draw(names)] = {"$ref": "#/$defs/d"}
        if isinstance(definition, dict) and draw(st.booleans()):
            definition = {"anyOf": [definition, {"type": "array", "items": {"$ref": "#/$defs/d"}}]}
    more = draw(_of_the_root())
    if "then" in more:
        more["if"] = {"required": ["a"]}
    named = {"properties": properties} if properties else {}
    return {"type": "object", **named, **more, "$defs": {"d": definition},
            "required": sorted(draw(st.sets(names, max_size=1)))}  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and one that has a property or what is said of all of them exchanged."""
    old = draw(roots())
    other = draw(roots())
    new = {**old, "$defs": draw(st.sampled_from((old, other)))["$defs"]}
    properties = dict(old.get("properties", {}))
    for name in draw(st.sets(names, max_size=2)):
        if name in other.get("properties", {}):
            properties[name] = draw(_near(properties.get(name, {}), other["properties"][name]))
    if properties:
        new["properties"] = properties
    apart = ("$defs", "properties", "type")
    for keyword in draw(st.sets(st.sampled_from(sorted({*old, *other} - {*apart})), max_size=2)):
        if keyword in other:
            new[keyword] = other[keyword]
        else:
            new.pop(keyword, None)
    return (old, new) if draw(st.booleans()) else (new, old)


def _near(old: Any, other: Any) -> st.SearchStrategy[Any]:
    """Something that has much to do with the old one."""
    wider = [other, {"anyOf": [old, other]}, {"anyOf": [other, old]}, {"oneOf": [old, other]}]
    narrower = [{"allOf": [old, other]}]
    looser = [{key: old[key] for key in old if key != gone} for gone in old] if isinstance(old, dict) else []
    return st.sampled_from(wider + narrower + looser)


_OF_NAMES = ("properties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref", "then")


def closed(schema: Any, alone: bool = True, arguments: bool = False) -> Any:
    """The schema of those values that use no name which it does not describe, nor allows on purpose.

    :param alone: whether nothing beside it describes the same value.
    :param arguments: whether it is that of all arguments; another that describes no name is one for any.
    """
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    for keyword in ("properties", "patternProperties", "$defs"):
        if keyword in schema:
            # A definition stands where its reference does.
            result[keyword] = {
                name: closed(inner, keyword != "$defs") for name, inner in schema[keyword].items()
            }
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema:
            result[keyword] = [closed(inner, False) for inner in schema[keyword]]
    if "prefixItems" in schema:
        result["prefixItems"] = [closed(inner) for inner in schema["prefixItems"]]
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            result[keyword] = closed(schema[keyword])
    if "then" in schema:
        result["then"] = closed(schema["then"], False)
    names_some = "additionalProperties" in schema or any(schema.get(keyword) for keyword in _OF_NAMES)
    return {**result, "unevaluatedProperties": False} if alone and (names_some or arguments) else result


some_values = st.lists(st.dictionaries(names, values, max_size=3), min_size=20, max_size=40)
THOROUGH = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


@THOROUGH
@given(pairs(), some_values)
def test_arguments_that_were_valid_are_valid_after_a_compatible_change(
    pair: tuple[dict[str, Any], dict[str, Any]], tried: list[Any]
) -> None:
    old, new = pair
    if changed(INPUT, old, new).breaking:
        return
    before, after = Draft202012Validator(closed(old, arguments=True)), Draft202012Validator(new)
    for value in tried:
        assert not before.is_valid(value) or after.is_valid(value), value


@THOROUGH
@given(pairs(), some_values)
def test_results_of_a_compatible_change_are_valid_for_who_knows_the_old_schema(
    pair: tuple[dict[str, Any], dict[str, Any]], tried: list[Any]
) -> None:
    old, new = pair
    if changed(OUTPUT, old, new).breaking:
        return
    before, after = Draft202012Validator(old), Draft202012Validator(closed(new))
    for value in tried:
        assert not after.is_valid(value) or before.is_valid(value), value


@THOROUGH
@given(schemas(), st.lists(values, min_size=10, max_size=30))
def test_whether_one_value_is_valid_is_told_as_another_validator_tells_it(
    schema: Any, tried: list[Any]
) -> None:
    validator, node = Draft202012Validator(schema), node_of(schema)
    for value in tried:
        assert valid(value, node) in (None, validator.is_valid(value)), value


@THOROUGH
@given(roots())
def test_a_schema_is_identical_to_itself_and_to_itself_in_other_words(schema: dict[str, Any]) -> None:
    assert changed(INPUT, schema, schema).verdict == "identical"
    described = {**schema, "description": "other words"}
    assert changed(INPUT, schema, described).verdict == "described differently"
    assert list(subschemas(schema))
