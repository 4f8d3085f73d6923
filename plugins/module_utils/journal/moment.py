# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time that survive a clock that is set, and a reboot."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _since_boot() -> float:
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class Moment:
    """``wall`` is Unix time, ``since_boot`` seconds of a clock that nobody sets, valid within ``boot``."""

    wall: float
    since_boot: float
    boot: str

    @classmethod
    def now(cls) -> Moment:
        return cls(time.time(), _since_boot(), _boot_id())

    def elapsed(self, now: Moment | None = None) -> float:
        """Seconds since then, never negative. Across a reboot the wall clock has to do; where it was set
        back, it is at least as long ago as the host has been up."""
        now = now or Moment.now()
        if now.boot == self.boot:
            return max(0.0, now.since_boot - self.since_boot)
        return max(0.0, now.since_boot, now.wall - self.wall)

    def text(self) -> str:
        """As ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.wall, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
