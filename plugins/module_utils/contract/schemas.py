# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two versions of a tool's input or output schema differ for whoever relies on the old one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .change import BREAKING, COMPATIBLE, DESCRIBED
from .document import Budget, Node, exact, node_of
from .hidden import one_line
from .reason import Reason, show
from .subschema import Question
from .words import HEADER, Path, said, where

_SHOWN = 200
INPUT, OUTPUT = "argument", "result"


def differences(direction: str, old: Any, new: Any, budget: Budget) -> Iterator[tuple[str, str]]:
    """Weight and reason of each difference.

    :param direction: INPUT: the new schema has to allow what the old one did; OUTPUT: the other way round.
    """
    if exact(old) == exact(new):
        return
    before, after = node_of(old, budget), node_of(new, budget)
    described = [*_described(direction, old, new)]
    if not before.same(after):
        breaks = any(weight == BREAKING for weight, _reason in described)
        yield from _changed(direction, before, after, budget, breaks)
    yield from described


def _changed(direction: str, old: Node, new: Node, budget: Budget, breaks: bool) -> Iterator[tuple[str, str]]:
    """:param breaks: whether something besides what is allowed breaks callers."""
    taken = direction == INPUT
    breaking = _ask(taken, (old, new) if taken else (new, old), budget)
    for reason in breaking:
        yield BREAKING, _sentence(reason, direction, taken)
    asked = _ask(taken, (new, old) if taken else (old, new), budget)
    wider = [reason for reason in asked if not reason.unsure]
    if wider or not breaking:
        for reason in wider:
            yield COMPATIBLE, _sentence(reason, direction, not taken)
        if not wider and not breaks:
            more = "cannot tell whether it allows " + ("more" if taken else "less")
            tail = f"; {more}" if asked else " and allows the same"
            yield COMPATIBLE, f"{direction}: its schema is written in another way{tail}"


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
    before, after = said(old), said(new)
    for path in sorted(after, key=where):
        known = before.get(path, {})
        for keyword in sorted(known.keys() | after[path].keys()):
            was, now = known.get(keyword), after[path].get(keyword)
            if exact(was) != exact(now):
                subject = f"{direction} {where(path)}" if path else f"the {direction}'s schema"
                change = one_line(f"{subject}: {keyword} was {_said(was)}, is {_said(now)}", 600)
                header = keyword == HEADER and direction == INPUT and old != NOTHING
                yield _header(change, path in before, path, now) if header else (DESCRIBED, change)


NOTHING: dict[str, Any] = {}
"""The schema of which everything is new."""


def _header(change: str, known: bool, path: Path, now: Any) -> tuple[str, str]:
    """Over HTTP a server refuses a call that has an argument and not its header; older callers send none."""
    if now is None:
        return COMPATIBLE, change
    if not known and all(step.startswith("properties.") for step in path):
        # Nobody sends an argument that is new.
        return DESCRIBED, change
    return BREAKING, f"{change}: over HTTP a call without this header may be refused"


def words(direction: str, schema: Any) -> Iterator[tuple[str, str]]:
    """What a model reads of a schema that is new."""
    yield from _described(direction, NOTHING, schema)


def _said(value: Any) -> str:
    return "not set" if value is None else one_line(show(value), _SHOWN)
