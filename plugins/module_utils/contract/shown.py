# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A contract as lines that people read and diffs are made of: whole, with nothing in it that is not seen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from .compare import TO_LEGACY, Difference, item_of
from .document import exact
from .hidden import visible
from .offer import KINDS, Offer

WIDTH = 100
_MOST = 200
"""Items of which a diff is shown in full."""


def shown(offer: Offer, difference: Difference) -> list[str]:
    """What a contract says of the items in which it differs from another.

    Both sides of a diff come from here, so that what is the same is the same there.
    """
    wanted = set(list(dict.fromkeys(change.item for change in difference.changes))[:_MOST])
    lines: list[str] = []
    for part, whose in ((offer, ""), (offer.for_legacy(), TO_LEGACY)):
        lines += _shown(part, whose, wanted) if part else ()
    return lines


def _shown(offer: Offer, whose: str, wanted: set[str]) -> Iterator[str]:
    for kind in KINDS:
        for name, item in sorted(getattr(offer, kind).items()):
            if item_of(kind, name) + whose in wanted:
                yield item_of(kind, name) + whose
                yield from _below(_ordered(item))
    if f"instructions{whose}" in wanted and offer.instructions:
        yield f"instructions{whose}"
        yield from _text(offer.instructions, "  ")


def verdict(difference: Difference) -> list[str]:
    """The verdict, and each reason for it on a line."""
    lines = [f"contract: {difference.verdict} ({difference.digest})"]
    lines += [f"{change.weight}: {change.line()}" for change in difference.changes]
    return [*lines, *(f"hidden: {where}" for where in difference.hidden)]


_FIRST = ("title", "description", "annotations", "arguments", "inputSchema", "outputSchema", "type")


def _ordered(item: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rank = {key: number for number, key in enumerate(_FIRST)}
    return sorted(item.items(), key=lambda pair: (rank.get(pair[0], len(rank)), pair[0]))


def _below(pairs: list[tuple[str, Any]], indent: str = "  ") -> Iterator[str]:
    for key, value in pairs:
        name = visible(str(key)).replace("\n", "<U+000A>")
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _below(_ordered(value), indent + "  ")
        elif isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
            yield f"{indent}{name}:"
            yield from _below([(f"- {number}", inner) for number, inner in enumerate(value)], indent + "  ")
        elif isinstance(value, str) and (len(value) > WIDTH or "\n" in value):
            yield f"{indent}{name}:"
            yield from _text(value, indent + "  ")
        else:
            yield f"{indent}{name}: {visible(exact(value))}"


def _text(text: str, indent: str) -> Iterator[str]:
    for line in visible(text).splitlines() or [""]:
        for piece in textwrap.wrap(line, WIDTH, drop_whitespace=False, break_on_hyphens=False) or [""]:
            yield f"{indent}| {piece}"
