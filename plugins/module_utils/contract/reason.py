# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why one schema does not allow all that another does, in a sentence for whoever relies on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .document import exact

_LONGEST = 160
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Reason:
    """The first schema allows what the second does not.

    ``path`` leads from the top to where that is; ``kind`` says what it is, ``first`` and ``second`` how it
    stands in each. ``unsure``: the second may allow it all the same.
    """

    kind: str
    first: Any = None
    second: Any = None
    path: tuple[str, ...] = ()
    unsure: bool = False

    def under(self, *steps: str) -> Reason:
        """The same, seen from further up."""
        # Not dataclasses.replace, which is several times slower, and this is called the most.
        return Reason(self.kind, self.first, self.second, (*steps, *self.path), self.unsure)

    def sentence(self, noun: str, new_is_second: bool) -> str:
        """``argument x: type was integer, is string``.

        :param noun: ``argument`` or ``result``.
        :param new_is_second: whether the second schema is the new one (else the first is).
        """
        was, now = (self.first, self.second) if new_is_second else (self.second, self.first)
        where = f"{noun} {place(self.path)}" if self.path else f"the {noun}{'s' * (noun == 'argument')}"
        says = _SAYS.get(self.kind, _limit)
        return f"{where}: {says(self.kind, was, now, new_is_second, noun)}"


def place(path: tuple[str, ...]) -> str:
    """``a.b[].c``; a name with other characters than usual is quoted."""
    text = ""
    for step in path:
        shown = step if step.startswith("[") or _PLAIN.fullmatch(step) else show(step)
        text += shown if not text or step.startswith("[") else f".{shown}"
    return text


def show(value: Any) -> str:
    """A value as JSON, cut when it is long."""
    text = exact(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def unsure(question: str) -> Reason:
    """Nothing certain; ``question`` begins with ``cannot tell``."""
    return Reason("unsure", question, question, unsure=True)


def values_reason(kind: str, values: Sequence[Any]) -> Reason:
    """Values that are allowed, or the only ones that are; kept as JSON."""
    listed = tuple(show(value) for value in values)
    return Reason(kind, listed, listed)


def _listed(values: Any) -> str:
    shown = ", ".join(values[:6])
    return shown + (f" and {len(values) - 6} more" if len(values) > 6 else "")


_Says = Callable[[str, Any, Any, bool, str], str]


def _limit(kind: str, was: Any, now: Any, _narrower: bool, _noun: str) -> str:
    before = "not set" if was is None else was if isinstance(was, str) else show(was)
    after = "not set" if now is None else now if isinstance(now, str) else show(now)
    return f"{kind} was {before}, is {after}"


def _either(narrower: str, wider: str) -> _Says:
    """``{was}`` and ``{now}`` in it are filled in."""

    def says(_kind: str, was: Any, now: Any, is_narrower: bool, noun: str) -> str:
        text = narrower if is_narrower else wider
        return text.format(was=was, now=now, always="always there" if noun == "result" else "required")

    return says


def _values(_kind: str, was: Any, now: Any, narrower: bool, _noun: str) -> str:
    return f"{_listed(was)} is no longer allowed" if narrower else f"{_listed(now)} is allowed now"


def _enumerated(_kind: str, was: Any, now: Any, narrower: bool, _noun: str) -> str:
    return f"only {_listed(now)} is allowed now" if narrower else f"is no longer limited to {_listed(was)}"


def _pattern(_kind: str, was: Any, now: Any, narrower: bool, _noun: str) -> str:
    if was is None or now is None:
        return f"has to match {show(now)} now" if narrower else f"need not match {show(was)} any more"
    text = f"pattern was {show(was)}, is {show(now)}"
    return f"{text}: cannot tell whether it allows all that was allowed" if narrower else text


_SAYS: dict[str, _Says] = {
    "unsure": lambda _kind, _was, now, _narrower, _noun: str(now),
    "pattern": _pattern,
    "values": _values,
    "enumerated": _enumerated,
    "required": _either("is {always} now", "is no longer {always}"),
    "gone": _either("is gone", "is new"),
    "missing": _either("is new", "is gone"),
    "others": _either("further names are no longer allowed", "further names are allowed now"),
    "described": _either("further names are no longer described", "further names are described now"),
    "undescribed": _either("further names are described now", "further names are no longer described"),
    "unique": _either("items have to be unique now", "items need not be unique any more"),
    "nothing": _either("nothing is allowed any more", "something is allowed now"),
    "more": _either("is allowed no longer beside others", "is allowed now beside others"),
}
