# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup did or, before it begins and in check mode, would do."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from ..audit.line import Head
from ..release.tombs import mounted_within, mounts
from ..retention.policy import Policies, Policy, merged
from .look import Sight
from .orphans import Orphan
from .places import Places


@dataclass
class Outcome:
    """``freed`` has bytes by path (None: not known before); ``left`` what could not be deleted, and why;
    ``audit`` the head of the record after it."""

    sight: Sight
    orphans: list[tuple[Orphan, str]]
    freed: dict[str, int | None] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    done: bool = False
    audit: Head | None = None

    @property
    def changed(self) -> bool:
        ends = any(what == ("ended" if self.done else "end") for _orphan, what in self.orphans)
        return bool(self.freed) or ends


def foreseen(sight: Sight, orphans: list[Orphan], policies: Policies, places: Places) -> Outcome:
    """What deleting by this sight would do."""
    outcome = Outcome(sight, [], warnings=list(sight.warnings), left=list(sight.held))
    outcome.orphans = [wish(orphan, sight, policies) for orphan in orphans]
    kept = {orphan.server for orphan, what in outcome.orphans if what == "kept"}
    outcome.warnings += [text for text in sight.allowed.advice(kept) if text not in outcome.warnings]
    everywhere = mounts()
    within = {
        root: frozenset(point for point in everywhere if point.startswith(f"{os.path.realpath(root)}/"))
        for root in places.roots()
    }
    for decision in sight.decisions:
        if decision.delete:
            points = within[places.root_of(decision.item.path)]
            mount = mounted_within(decision.item.path, points) if points else None
            if mount:
                outcome.left.append((decision.item.path, f"{mount} is a mount"))
            else:
                outcome.freed[decision.item.path] = decision.item.size
    for tomb in sight.buried:
        mount = mounted_within(str(tomb), everywhere)
        if mount:
            outcome.left.append((str(tomb), f"{mount} is a mount"))
        else:
            outcome.freed[str(tomb)] = None
    return outcome


def wish(orphan: Orphan, sight: Sight, policies: Policies) -> tuple[Orphan, str]:
    """What is to become of an orphan: ``report`` or ``end`` by the policy, ``kept`` where it may not end."""
    own = policies.servers.get(orphan.server, Policy())
    what = merged([policies.fleet, own]).orphans or "report"
    held = sight.allowed.held([orphan.server]) if what == "end" else None
    return (replace(orphan, why=f"{orphan.why}; {held[1]}"), "kept") if held else (orphan, what)
