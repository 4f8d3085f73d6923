# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each server loses by a cleanup, and how that is put on record: two lines each, however much it is."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audit.account import Account
from ..retention.decide import Decision
from .look import Sight
from .orphans import Orphan
from .outcome import Outcome
from .places import Places

ACTION = "cleanup"


@dataclass
class Loss:
    """What one server loses; ``tombs`` an earlier run had begun to delete."""

    items: list[Decision] = field(default_factory=list)
    tombs: list[Path] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)

    def begun(self, basis: Mapping[str, Any]) -> dict[str, Any]:
        """What stands on record before it happens."""
        return {
            "plan": [
                *(f"delete {each.item.name}: {each.why}" for each in self.items),
                *(f"delete {tomb.name}: an earlier cleanup had begun it" for tomb in self.tombs),
                *(f"end {_shown(orphan)}: {orphan.why}" for orphan in self.orphans),
            ],
            "releases": self._releases(self.items),
            "count": len(self.items) + len(self.tombs) + len(self.orphans),
            "allowed": dict(basis),
        }

    def told(self, outcome: Outcome) -> dict[str, Any]:
        """What stands on record afterwards."""
        gone = [each for each in self.items if each.item.path in outcome.freed]
        tombs = [str(tomb) for tomb in self.tombs if str(tomb) in outcome.freed]
        ended = {orphan.identity for orphan, what in outcome.orphans if what == "ended"}
        paths = {each.item.path for each in self.items} | {str(tomb) for tomb in self.tombs}
        return {
            "deleted": [*(each.item.path for each in gone), *tombs],
            "releases": self._releases(gone),
            "count": len(gone) + len(tombs),
            "reclaimed": sum(
                outcome.freed[path] or 0 for path in (*(each.item.path for each in gone), *tombs)
            ),
            "ended": [_shown(orphan) for orphan in self.orphans if orphan.identity in ended],
            "left": [f"{path}: {why}" for path, why in outcome.left if path in paths],
        }

    def _releases(self, decisions: list[Decision]) -> list[dict[str, str]]:
        return [
            {"package": each.item.name, "release": each.item.digest} for each in decisions if each.item.digest
        ]


def losses(sight: Sight, orphans: list[tuple[Orphan, str]], places: Places) -> dict[str, Loss]:
    """What each server loses; what is of several is lost by each of them, what is of none by nobody."""
    found: dict[str, Loss] = defaultdict(Loss)
    for decision in sight.decisions:
        for server in sight.allowed.owners(decision.item) if decision.delete else ():
            found[server].items.append(decision)
    for tomb in sight.buried:
        for server in sight.allowed.owners(places.buried(tomb.parent.parent, tomb)):
            found[server].tombs.append(tomb)
    for orphan, what in orphans:
        if what == "end":
            found[orphan.server].orphans.append(orphan)
    return dict(sorted(found.items()))


@contextlib.contextmanager
def recorded(account: Account, lost: Mapping[str, Loss], outcome: Outcome) -> Iterator[None]:
    """Let the losses happen between their lines.

    :raises FleetError: when a first line cannot be written; then nothing was deleted.
    """
    with contextlib.ExitStack() as stack:
        entries = {
            server: stack.enter_context(
                account.change(ACTION, server or None, loss.begun(outcome.sight.allowed.basis(server)))
            )
            for server, loss in lost.items()
        }
        try:
            yield
        finally:
            for server, entry in entries.items():
                entry.told = lost[server].told(outcome)


def _shown(orphan: Orphan) -> str:
    return f"process {orphan.identity.pid} of {orphan.server}/{orphan.slot}"
