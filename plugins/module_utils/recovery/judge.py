# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is to end a change that is under way, decided from its record alone."""

from __future__ import annotations

from dataclasses import dataclass

from ..journal.moment import Moment
from ..journal.record import Record, Transaction

WAITING = ("ready",)
"""Steps at which an update may be left on purpose (``phase: staged`` ends there): no client reaches the new
release. One that is merely ``staged`` was cut off at its start or in the middle of being undone."""


@dataclass(frozen=True)
class Verdict:
    """``due``: the host ends it, and ``why``; else ``why`` it is left alone. ``forgotten``: it would be due,
    and the record lacks what that takes."""

    due: bool
    why: str
    forgotten: bool = False


def judge(record: Record, now: Moment, after: float) -> Verdict | None:
    """What to do about a server that nobody is at work on; None when nothing is under way.

    :param after: seconds without progress after which a change counts as given up; 0: only a restart of the
        host says so.
    """
    transaction = record.transaction
    if transaction is None:
        return None
    if transaction.kind == "update" and transaction.switched is None and transaction.step in WAITING:
        return Verdict(False, "no client reaches the new release: left to the next run")
    if transaction.definition is None or transaction.progressed is None:
        came_from = "an older version of the collection began it: left to the next run"
        return Verdict(False, came_from, forgotten=True)
    if transaction.progressed.boot != now.boot:
        return Verdict(True, "the host was restarted in the middle of it")
    silent = transaction.progressed.elapsed(now)
    if after <= 0:
        return Verdict(False, "left to the next run (mcp_recover_after is 0)")
    if silent < after:
        return Verdict(False, f"it got on {silent:.0f} s ago: left alone until {after:g} s have passed")
    return Verdict(True, f"nobody went on with it for {silent:.0f} s")


def described(record: Record, transaction: Transaction) -> str:
    """What is under way, in words."""
    if transaction.kind == "remove":
        return "its removal is under way"
    held = record.slots.get(transaction.target)
    package = held.package if held else transaction.target
    step = f"at step {transaction.step}" if transaction.step else "with no step done"
    return f"its {transaction.kind} to {package} is under way, {step}"
