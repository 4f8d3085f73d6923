# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface that every way of running slots has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from .spec import SlotSpec

State = Literal["running", "starting", "stopped", "failed", "absent"]
Ending = Literal["already stopped", "exited", "terminated", "killed"]


@dataclass(frozen=True)
class Process:
    """What runs in a slot now.

    ``starting`` is also the state of a process that ended and will be tried again (``pid`` is None then);
    one that comes and goes shows in a changing ``pid``. ``failed``: it was given up. ``absent``: the slot
    was never used, or was removed. ``detail`` is what the supervisor says of it.
    """

    state: State
    pid: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class StopReport:
    """How a slot's processes ended, and after how many seconds.

    ``exited``: by themselves on SIGTERM. ``terminated``: by SIGTERM's default action. ``killed``: at least
    one needed SIGKILL. ``strays`` counts processes that had left the slot's group or outlived its first
    process.
    """

    how: Ending
    seconds: float
    strays: int = 0


class SlotDriver(Protocol):
    """Runs slots. Everything here can be repeated: the second time nothing changes."""

    def holds(self, spec: SlotSpec) -> bool:
        """Whether the slot would start exactly this, running or not (a pure read)."""

    def runs(self, spec: SlotSpec) -> bool:
        """Whether the slot's process is up and was started from exactly this description (a pure read)."""

    def returns(self, spec: SlotSpec) -> bool:
        """Whether a host that restarts starts exactly this in the slot (a pure read)."""

    def start(self, spec: SlotSpec) -> Process:
        """Run exactly this in the slot, ending what else runs there; its directory is made if need be.

        Returns once the process was spawned; whether it is any good is for a probe to say. A host that
        restarts starts the slot again.
        """

    def stop(self, server: str, slot: str, timeout: float) -> StopReport:
        """End every process of the slot: SIGTERM, after ``timeout`` seconds SIGKILL.

        ``timeout`` counts up to the ``stop_timeout`` that the slot was started with. A host that restarts
        does not start the slot again.
        """

    def status(self, server: str, slot: str) -> Process:
        """What runs in the slot now (a pure read)."""

    def additions(self, server: str, slot: str) -> tuple[str, ...]:
        """Files of somebody else's that change how the slot is run, though all that is ours says what it
        should (a pure read)."""

    def folders(self) -> tuple[Path, ...]:
        """Where it keeps what a host that restarts has to start."""

    def log_tail(self, server: str, slot: str, lines: int = 20) -> str:
        """The last lines that the slot's process wrote since it was last started, credentials masked."""

    def remove(self, server: str, slot: str, *, keep_log: bool = False) -> None:
        """Stop the slot and remove all that is kept for it, its log included (unless ``keep_log``)."""
