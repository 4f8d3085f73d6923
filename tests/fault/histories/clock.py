# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that passes only when somebody waits, and what is due meanwhile."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment

EPOCH = 1_800_000_000.0


class Clock:
    """Seconds since the first boot; ``wall`` is what the clock that people set is off by."""

    def __init__(self) -> None:
        self.time = 100.0
        self.wall = EPOCH
        self.boot = 1
        self._booted = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> Moment:
        return Moment(self.wall + self.time, self.time - self._booted, f"boot-{self.boot}")

    def reboot(self) -> None:
        """Nothing that was due happens; the clock since boot begins anew."""
        self._due.clear()
        self.boot += 1
        self._booted = self.time

    def after(self, seconds: float, function: Callable[[], None]) -> None:
        """Do something once so much time has passed."""
        heapq.heappush(self._due, (self.time + seconds, next(self._order), function))

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that is due in it, in order."""
        until = self.time + seconds
        while self._due and self._due[0][0] <= until:
            self.time, _number, function = heapq.heappop(self._due)
            function()
        self.time = max(self.time, until)
