# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the contract of a new release differs from the one in service, and whether that breaks a caller.

Whatever is not certain counts as breaking, and says so (``cannot tell …``). What the old contract does not
know, because an older version of the collection kept it, is not taken for gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .change import ADDED, BREAKING, CHANGED, COMPATIBLE, DESCRIBED, REMOVED, WEIGHTS, Change
from .document import Budget, exact
from .hidden import hidden_in, one_line
from .items import Found, new_words, prompt, resource, same, template, tool
from .offer import KINDS, Offer

NAME = 120
"""Characters of a name that are shown."""

IDENTICAL, NOT_COMPARED = "identical", "not compared"

TO_LEGACY = " for legacy clients"
"""Added to an item that these get in another form than modern ones."""

_JUDGES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], Budget], Found]] = {
    "tools": tool,
    "prompts": prompt,
    "resources": resource,
    "resource_templates": template,
}


@dataclass(frozen=True)
class Difference:
    """All differences, and where the new contract has hidden characters that the old one had not.

    ``digest`` is that of the new contract. ``compared``: whether there was an old one.
    """

    changes: tuple[Change, ...] = ()
    hidden: tuple[str, ...] = ()
    digest: str | None = None
    compared: bool = True

    @property
    def verdict(self) -> str:
        """``identical`` or the heaviest weight of a change."""
        if not self.compared:
            return NOT_COMPARED
        weights = [change.weight for change in self.changes]
        return max(weights, key=WEIGHTS.index, default=IDENTICAL)

    @property
    def breaking(self) -> tuple[str, ...]:
        """What a client of the old release can no longer rely on, in sentences."""
        return self._of(BREAKING)

    @property
    def described(self) -> tuple[str, ...]:
        """What a model now reads instead, in sentences; hidden characters first."""
        return (*self.hidden, *self._of(DESCRIBED))

    @property
    def of_resources(self) -> tuple[str, ...]:
        """Those of ``described`` that are about resources, which the digest leaves out."""
        said = (change.line() for change in self.changes if change.of_resource and change.weight == DESCRIBED)
        hidden = (line for line in self.hidden if Change(line, CHANGED, DESCRIBED, "").of_resource)
        return (*hidden, *said)

    def _of(self, weight: str) -> tuple[str, ...]:
        return tuple(change.line() for change in self.changes if change.weight == weight)

    def items(self, mark: str) -> list[str]:
        """The items that are new, gone or changed, each once."""
        return list(dict.fromkeys(change.item for change in self.changes if change.mark == mark))

    def lines(self) -> list[str]:
        """One line a difference, as in a diff."""
        return [
            f"{mark} {change.line()}"
            for mark in (ADDED, REMOVED, CHANGED)
            for change in self.changes
            if change.mark == mark
        ]

    def to_json(self) -> dict[str, Any]:
        """As a module's result has it."""
        marks = (("added", ADDED), ("removed", REMOVED), ("changed", CHANGED))
        return {
            "verdict": self.verdict,
            "digest": self.digest,
            **{
                name: [change.to_json() for change in self.changes if change.mark == mark]
                for name, mark in marks
            },
            "breaking": list(self.breaking),
            "described": list(self.described),
            "hidden": list(self.hidden),
            "differences": self.lines(),
        }


def compare(old: Offer | None, new: Offer) -> Difference:
    """By kind and name. Without an old offer there is nothing but hidden characters to be found.

    A resource that is gone is shown but not breaking: resources come and go while a server runs.
    """
    budget = Budget()
    changes = [*_eras(old, new), *_items(old, new, budget)] if old is not None else []
    hidden = list(_hidden(old or Offer(), new))
    before, after = old.for_legacy() if old is not None else None, new.for_legacy()
    if after is not None and (before is not old or after is not new):
        known = set(changes)
        more = _items(before, after, budget) if before is not None else ()
        changes += [replace(each, item=each.item + TO_LEGACY) for each in more if each not in known]
        lines = _hidden(before or Offer(), after)
        hidden += [TO_LEGACY.strip().capitalize() + f": {line}" for line in lines if line not in hidden]
    return Difference(tuple(changes), tuple(hidden), new.digest(), compared=old is not None)


def _items(old: Offer, new: Offer, budget: Budget) -> Iterator[Change]:
    for kind in KINDS:
        before, after = getattr(old, kind), getattr(new, kind)
        lost = COMPATIBLE if kind == "resources" else BREAKING
        for name in sorted(before.keys() | after.keys()):
            item = item_of(kind, name)
            if name not in before:
                yield Change(item, ADDED, COMPATIBLE, "is new")
                for weight, reason in _found(new_words, kind, after[name]):
                    yield Change(item, ADDED, weight, reason)
            elif name not in after:
                yield Change(item, REMOVED, lost, "is gone")
            else:
                for weight, reason in _found(_changes, kind, before[name], after[name], budget):
                    yield Change(item, CHANGED, weight, reason)
    if None not in (old.instructions, new.instructions) and old.instructions != new.instructions:
        was, now = (one_line(str(text), 400) or "none" for text in (old.instructions, new.instructions))
        yield Change("instructions", CHANGED, DESCRIBED, f"they were {was!r}, are {now!r}")


def _changes(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], budget: Budget) -> Found:
    if not same(old, new):
        found = [*_JUDGES[kind](old, new, budget)]
        yield from found or [(DESCRIBED, "it is written in another way")]


def _found(judge: Callable[..., Found], *about: Any) -> list[tuple[str, str]]:
    """What a judge finds. What it is confused by is uncertain, and spares the other items."""
    try:
        return [*judge(*about)]
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        return [(BREAKING, f"cannot tell what has changed: it is in a form that confuses ({error!r:.100})")]


def item_of(kind: str, name: str) -> str:
    """``tool echo``: an item as it is named everywhere."""
    return f"{kind[:-1].replace('_', ' ')} {one_line(name, NAME)}"


def _eras(old: Offer, new: Offer) -> Iterator[Change]:
    for era in old.eras:
        if era not in new.eras:
            yield Change(f"era {era}", REMOVED, BREAKING, "is no longer served")
    for era in new.eras:
        if era not in old.eras:
            yield Change(f"era {era}", ADDED, COMPATIBLE, "is served now")
    if old.transport and new.transport and old.transport != new.transport:
        yield Change("transport", CHANGED, BREAKING, f"it was {old.transport}, is {new.transport}")
    for era, before in (old.capabilities or {}).items():
        after = (new.capabilities or {}).get(era)
        if after is None:
            continue
        had, has = set(_capabilities(before)), set(_capabilities(after))
        for name in sorted((*_topmost(had - has), *_topmost(has - had))):
            item = f"capability {one_line(name, NAME)} in the era {era}"
            if name in _LISTS_CHANGED and name in had:
                # No request needs it: a list that stays as it is has no change to tell of.
                yield Change(item, REMOVED, COMPATIBLE, "is gone: changes of the list are no longer told")
            elif name in had:
                yield Change(item, REMOVED, BREAKING, "is gone")
            else:
                yield Change(item, ADDED, COMPATIBLE, "is new")


_LISTS_CHANGED = frozenset(f"{kind}.listChanged" for kind in ("prompts", "resources", "tools"))


def _topmost(names: Collection[str]) -> Iterator[str]:
    """Of capabilities that came or went those that did so by themselves, not with the one they belong to."""
    for name in names:
        of, _space, value = name.partition(" ")
        places = [place for place, character in enumerate(of) if character == "."]
        if not any(
            within in names for within in (*(of[:place] for place in places), *([of] if value else []))
        ):
            yield name


def _capabilities(announced: Any) -> Iterator[str]:
    """``tools``, ``resources.subscribe``, ``tasks.requests.tools.call``, ``extensions.ui.types "text/html"``.

    Not what is announced as false, or as a collection of nothing. Settings are capabilities with a value; of
    a list of values each is one.
    """
    waiting: list[tuple[str, Any]] = [("", announced)]
    while waiting:
        name, value = waiting.pop()
        if value is None or value is False:
            continue
        if isinstance(value, Mapping):
            waiting += [(f"{name}.{key}" if name else str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            yield from (f"{name} {exact(inner)}" for inner in value)
        elif value is not True:
            yield f"{name} {exact(value)}"
        if name not in ("", "experimental", "extensions"):
            yield name


def _hidden(old: Offer, new: Offer) -> Iterator[str]:
    """Hidden characters of the new contract that did not stand at the same place in the old one."""
    for kind in KINDS:
        before = getattr(old, kind)
        for name, item in sorted(getattr(new, kind).items()):
            yield from _new_points(item_of(kind, name), before.get(name, {}), item)
    yield from _new_points("instructions", old.instructions or "", new.instructions or "")


def _new_points(item: str, old: Any, new: Any) -> Iterator[str]:
    found = hidden_in(new)
    if not found:
        return
    known = hidden_in(old)
    for where, points in sorted(found.items()):
        more = [point for point in points if point not in known.get(where, ())]
        if more:
            place = f" in {where}" if where else ""
            yield f"{item}: hidden characters{place}: {', '.join(more)}"
