# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last good state of a server, decided from its record alone: what a backup holds of it.

A change that is under way is in no backup: the host would have to go on with it, and with processes that a
rebuilt host does not have. What had passed its bake counts as done, as for a host that recovers; a way back
counts as gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..journal.record import Deployment, Record


@dataclass(frozen=True)
class LastGood:
    """``record`` has the active and the previous slot only, and no transaction. ``kept`` are the slots whose
    files stand aside, because what is under way has their place."""

    record: Record
    kept: frozenset[str] = frozenset()


def last_good(record: Record) -> LastGood | str:
    """What of a server is to come back on a rebuilt host; or why nothing of it is."""
    transaction = record.transaction
    if transaction is None:
        return _settled(record, record.active, record.previous)
    if transaction.kind == "remove":
        return "its removal is under way"
    if transaction.kind == "update" and transaction.reached("baked"):
        return _settled(record, transaction.target, transaction.origin)
    back = transaction.kind == "rollback"
    serves, left = transaction.target, transaction.origin
    if not back:
        serves, left = transaction.origin or "", transaction.target
    if not serves:
        return "its first deployment is under way"
    if transaction.displaced is None or left is None:
        return _settled(record, serves, None)
    slots: dict[str, Deployment] = {**record.slots, left: transaction.displaced}
    found = _settled(replace(record, slots=slots), serves, left)
    return found if isinstance(found, str) else replace(found, kept=frozenset({left}))


def _settled(record: Record, active: str | None, previous: str | None) -> LastGood | str:
    if active is None or active not in record.slots:
        return "nothing of it serves"
    previous = previous if previous in record.slots else None
    # The very files that a slot was proven with are of this host alone.
    slots = {
        slot: replace(held, files=None) for slot, held in record.slots.items() if slot in (active, previous)
    }
    return LastGood(replace(record, slots=slots, active=active, previous=previous, transaction=None))


def without_previous(record: Record) -> Record:
    """The same without a way back."""
    slots = {slot: held for slot, held in record.slots.items() if slot == record.active}
    return replace(record, slots=slots, previous=None)
