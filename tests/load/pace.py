# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a client does its next request, and when it stops."""

from __future__ import annotations

import asyncio
import random

AFTER_FAILURE = 0.01
"""Seconds that a client waits at least after a failed request, so that it doesn't spin on a refused port."""


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait so many seconds, or until the event is set."""
    if event.is_set():
        return
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


class Pace:
    """The think time of the clients, and the event that tells all of them to come to an end."""

    def __init__(self, think: float) -> None:
        self.think = think
        self.stop = asyncio.Event()

    def thought(self) -> float:
        """Seconds to the next request: the mean, varied by half of it up or down."""
        return self.think * random.uniform(0.5, 1.5)

    async def start(self) -> None:
        """Wait a part of the think time, of a second at most, so that the clients don't all start at once."""
        await pause(self.stop, random.uniform(0, min(self.think, 1.0)))

    async def next(self, failed: bool) -> None:
        """Think, or stop thinking when all is to end."""
        await pause(self.stop, max(self.thought(), AFTER_FAILURE) if failed else self.thought())
