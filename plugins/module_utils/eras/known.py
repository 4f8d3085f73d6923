# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an update may drop an era, by what is known of the clients that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..journal.moment import Moment
from .usage import Usage, day_of


def cure(dropped: Sequence[str]) -> str:
    """What an operator can do about an objection."""
    return (
        "Keep the version in service until clients have moved, or let the era go explicitly: "
        f"update.drop_eras: [{', '.join(dropped)}]."
    )


@dataclass(frozen=True)
class Known:
    """What is known of the clients of a server on a host, now. ``days`` is how long ago a use still counts
    (0: none does); ``problem`` is why nothing is known."""

    usage: Usage | None
    problem: str | None
    days: float
    now: Moment

    def objection(self, dropped: Sequence[str], let_go: Sequence[str]) -> str | None:
        """Why eras cannot be dropped, unless they were explicitly let go; None when they can."""
        used = [era for era in dropped if era not in let_go and self.in_use(era)]
        if not used:
            return None
        return f"it no longer serves {' and '.join(used)}, which clients use: " + self.words(used)

    def in_use(self, era: str) -> bool | None:
        """Whether clients used an era within ``days``; None: not known."""
        use = self.usage.eras.get(era) if self.usage else None
        if use is not None and self.days and use.within(self.days, self.now):
            return True
        whole = self.usage is not None and self.usage.known(self.now) >= self.days
        return False if whole and self.days else None

    def words(self, eras: Sequence[str]) -> str:
        """A sentence on the use of each era."""
        return "; ".join(self._words(era) for era in eras)

    def _words(self, era: str) -> str:
        if self.usage is None:
            return f"whether clients use {era} is not known ({self.problem})"
        use = self.usage.eras.get(era)
        watched = f"on this host, watched since {self.usage.since.text()}"
        if use is None:
            return f"nobody was seen to use {era} ({watched})"
        if not self.days or not use.within(self.days, self.now):
            return f"nobody was seen to use {era} since {day_of(use.seen)} ({watched})"
        requests, sessions = use.counts(self.days, self.now)
        begun = f", {sessions} sessions" if era == "legacy" else ""
        return f"{era} was last used at {use.seen.text()}, {requests} requests{begun} in {self.days:g} days"

    def to_json(self) -> dict[str, Any]:
        """Its part of a module's result."""
        usage = self.usage
        eras = {}
        for era, use in sorted(usage.eras.items()) if usage else ():
            requests, sessions = use.counts(self.days or 7, self.now)
            eras[era] = {
                "last": use.seen.text(),
                "in_use": self.in_use(era),
                "requests": requests,
                "sessions": sessions,
            }
        return {
            "days": self.days,
            "since": usage.since.text() if usage else None,
            "whole": bool(usage and usage.known(self.now) >= self.days),
            "eras": eras,
            "problem": self.problem,
        }
