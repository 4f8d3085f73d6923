# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the offer of a new release differs from the one in service, and whether that breaks a caller."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol.excerpt import one_line
from .offer import KINDS, Offer

NAME = 120
"""Characters of a name that are shown."""


@dataclass(frozen=True)
class Difference:
    """``breaking`` says in sentences what a client of the old release can no longer do."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    breaking: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        if self.breaking:
            return "breaking"
        return "changed" if self.added or self.removed or self.changed else "identical"

    def lines(self) -> list[str]:
        """One line an item, as in a diff."""
        marked = (("+", self.added), ("-", self.removed), ("~", self.changed))
        return [f"{mark} {item}" for mark, items in marked for item in items]


def compare(old: Offer, new: Offer) -> Difference:
    """Items by kind and name. Breaking: an era no longer served; a tool, prompt or template gone.

    A resource that is gone is shown but not breaking: resources come and go while a server runs.
    """
    added: list[str] = []
    removed: list[str] = []
    changed: list[str] = []
    breaking = [f"era {era} is no longer served" for era in old.eras if era not in new.eras]
    for kind in KINDS:
        before, after = getattr(old, kind), getattr(new, kind)
        singular = kind[:-1].replace("_", " ")
        added += [f"{singular} {one_line(name, NAME)}" for name in sorted(after.keys() - before.keys())]
        gone = [f"{singular} {one_line(name, NAME)}" for name in sorted(before.keys() - after.keys())]
        removed += gone
        if kind != "resources":
            breaking += [f"{item} is gone" for item in gone]
        changed += [
            f"{singular} {one_line(name, NAME)}"
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ]
    added += [f"era {era}" for era in new.eras if era not in old.eras]
    return Difference(tuple(added), tuple(removed), tuple(changed), tuple(breaking))
