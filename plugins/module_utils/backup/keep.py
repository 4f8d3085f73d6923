# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new backup in the place of the oldest, on record: the fleet loses an archive by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..audit.account import Account, Who
from ..update.host import Host
from .age import Recipients
from .collect import Collected
from .store import Store, Stored


@dataclass(frozen=True)
class Kept:
    """``stored`` was made, ``removed`` are those that went; ``problem``: why it is not on record."""

    stored: Stored
    removed: tuple[Path, ...]
    problem: str | None


def keep(host: Host, store: Store, collected: Collected, recipients: Recipients, most: int, who: Who) -> Kept:
    """Make a backup, and leave the newest ``most``. What cannot be put on record is made, and removes none.

    :raises FleetError: when it cannot be made; then all are there that were.
    """
    account = Account(host.trail, who, lambda: host.senses.now().wall)
    begun = {"wanted": sorted(part.name for part in collected.parts)}
    with account.change("backup", None, begun, needed=False) as change:
        stored = store.make(collected, recipients)
        removed = () if account.problem else tuple(store.prune(most))
        change.told.update(path=stored.path.name, deleted=[path.name for path in removed])
    return Kept(stored, removed, account.problem)
