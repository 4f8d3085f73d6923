# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending processes that are proven to be a slot's: SIGTERM, then SIGKILL."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..effects import Effects
from ..errors import FleetError
from .process import Identity, alive

STEP = 0.03
"""Seconds between two looks."""

_AFTER_KILL = 10.0


@dataclass(frozen=True)
class Ended:
    """How many processes got a signal, and whether any got SIGKILL."""

    signalled: int
    killed: bool


def end_all(
    effects: Effects,
    server: str,
    slot: str,
    find: Callable[[], set[Identity]],
    timeout: float,
    asked: Collection[Identity] = (),
) -> Ended:
    """End what ``find`` finds, and finds again, until that is nothing.

    Each gets SIGTERM once, unless it is among those that were ``asked`` already (a second one makes some
    servers drop what they are doing), and SIGKILL after ``timeout`` seconds (0: at once).

    :raises FleetError: when something still runs 10 s after its SIGKILL.
    """
    deadline = time.monotonic() + timeout
    termed, killed = set(asked), set[Identity]()
    while left := find():
        now = time.monotonic()
        if now > deadline + _AFTER_KILL:
            raise FleetError(
                f"end the processes {sorted(each.pid for each in left)} of slot {slot}",
                f"they still run {_AFTER_KILL:g} s after SIGKILL",
                "They hang in the kernel, as on a lost network disk: see ps -o pid,stat,wchan.",
                server,
            )
        number, told = (signal.SIGKILL, killed) if now >= deadline else (signal.SIGTERM, termed)
        for process in sorted(left - told):
            told.add(process)
            _act(effects, f"{server}/{slot} pid {process.pid}", process, number)
        time.sleep(STEP)
    return Ended(len(termed.union(killed).difference(asked)), bool(killed))


def _act(effects: Effects, target: str, process: Identity, number: signal.Signals) -> None:
    effects.act(f"slot.{number.name.lower()}", target, lambda: _send(process, number))


def _send(process: Identity, number: signal.Signals) -> None:
    """Signal exactly this process: through a descriptor, so that a pid given again in between is not hit."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):  # a Python that was built on an old system
            if alive(process):
                os.kill(process.pid, number)
            return
        descriptor = os.pidfd_open(process.pid)
        try:
            if alive(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
