# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two versions of a tool's input or output schema differ for whoever relies on the old one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .change import BREAKING, COMPATIBLE, DESCRIBED
from .document import LISTS, MAPS, NAMING, SINGLE, Budget, Node, exact, node_of, subschemas
from .hidden import one_line
from .keywords import CHECKED, RULING
from .reason import Reason, place, show
from .subschema import Question

_SHOWN = 200
INPUT, OUTPUT = "argument", "result"


def differences(direction: str, old: Any, new: Any, budget: Budget) -> Iterator[tuple[str, str]]:
    """Weight and reason of each difference.

    :param direction: INPUT: the new schema has to allow what the old one did; OUTPUT: the other way round.
    """
    before, after = node_of(old, budget), node_of(new, budget)
    if not before.same(after):
        yield from _changed(direction, before, after, budget)
    yield from _described(direction, old, new)


def _changed(direction: str, old: Node, new: Node, budget: Budget) -> Iterator[tuple[str, str]]:
    taken = direction == INPUT
    breaking = _ask(taken, (old, new) if taken else (new, old), budget)
    for reason in breaking:
        yield BREAKING, _sentence(reason, direction, taken)
    asked = _ask(taken, (new, old) if taken else (old, new), budget)
    wider = [reason for reason in asked if not reason.unsure]
    if wider or not breaking:
        for reason in wider:
            yield COMPATIBLE, _sentence(reason, direction, not taken)
        if not wider:
            yield COMPATIBLE, f"{direction}: its schema is written in another way and allows the same"


def _ask(taken: bool, pair: tuple[Node, Node], budget: Budget) -> tuple[Reason, ...]:
    first, second = pair
    # The arguments of a call are always an object, also where the schema does not say so.
    objects = (node_of({"type": "object"}),) if taken else ()
    found = Question(names_of_first=taken, budget=budget).ask((first, *objects), (second,))
    return tuple(dict.fromkeys(found))


def _sentence(reason: Reason, direction: str, new_is_second: bool) -> str:
    return one_line(reason.sentence(direction, new_is_second), 1000)


def _described(direction: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Words that a model reads: they rule nothing out, and may change what it does."""
    before, after = _annotations(old), _annotations(new)
    for where in sorted(after):
        known = before.get(where, {})
        for keyword in sorted(known.keys() | after[where].keys()):
            was, now = known.get(keyword), after[where].get(keyword)
            if exact(was) != exact(now):
                subject = f"{direction} {where}" if where else f"the {direction}'s schema"
                yield DESCRIBED, one_line(f"{subject}: {keyword} was {_said(was)}, is {_said(now)}", 600)


def words(direction: str, schema: Any) -> Iterator[tuple[str, str]]:
    """What a model reads of a schema that is new."""
    yield from _described(direction, {}, schema)


def _said(value: Any) -> str:
    return "not set" if value is None else one_line(show(value), _SHOWN)


_RULING = frozenset(CHECKED) | MAPS | LISTS | SINGLE | NAMING | RULING
"""All keywords that decide what is valid, or where it is told."""


def _annotations(schema: Any) -> dict[str, dict[str, Any]]:
    """By place, what describes it: all that rules nothing out, also in keywords that nobody knows."""
    found: dict[str, dict[str, Any]] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    while waiting:
        path, inner = waiting.pop()
        if isinstance(inner, dict):
            said = {key: value for key, value in inner.items() if key not in _RULING}
            found.setdefault(place(path), {}).update(said)
            for step, below in subschemas(inner):
                name = step[len("properties.") :] if step.startswith("properties.") else f"[{step}]"
                waiting.append(((*path, "[]" if step == "items" else name), below))
    return found
