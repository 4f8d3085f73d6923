# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: what is still connected to a slot gets its time; then it is cut, and counted."""

from __future__ import annotations

from dataclasses import dataclass

from ..edge.edge import Traffic
from ..errors import FleetError
from .front import Front
from .senses import Senses

PAUSE = 0.2


@dataclass(frozen=True)
class Drained:
    """Sessions and requests (open streams among them) that were there at first, and that were cut."""

    sessions: int
    open_requests: int
    cut_sessions: int
    cut_requests: int
    seconds: float

    def __add__(self, other: Drained) -> Drained:
        return Drained(
            self.sessions + other.sessions,
            self.open_requests + other.open_requests,
            self.cut_sessions + other.cut_sessions,
            self.cut_requests + other.cut_requests,
            self.seconds + other.seconds,
        )


def drain(
    front: Front,
    senses: Senses,
    slot: str,
    seconds: float,
    serves: bool,
    since_active: float,
    session_idle: float,
) -> Drained:
    """Wait until nothing is connected to a slot, at most ``seconds``.

    :param serves: whether the slot's process still runs; what hangs on a dead one is lost already.
    :param since_active: seconds since the slot first got clients. Sessions that were idle while HAProxy was
        started anew are not in its tables; until they would have expired they may still be there.
    :raises FleetError: when the edge cannot be asked at all.
    """
    started = senses.monotonic()
    deadline = started + seconds
    first = left = front.connected(slot)
    while serves and senses.monotonic() < deadline:
        known = front.watched_for() >= min(since_active + (senses.monotonic() - started), session_idle)
        if known and not left.sessions and not left.open_requests:
            break
        senses.sleep(min(PAUSE, max(0.0, deadline - senses.monotonic())))
        left = _look(front, slot, left)
    return Drained(
        sessions=max(first.sessions, left.sessions),
        open_requests=max(first.open_requests, left.open_requests),
        cut_sessions=left.sessions,
        cut_requests=left.open_requests,
        seconds=senses.monotonic() - started,
    )


def _look(front: Front, slot: str, last: Traffic) -> Traffic:
    """An edge that is being restarted is no reason to stop waiting."""
    try:
        return front.connected(slot)
    except FleetError:
        return last
