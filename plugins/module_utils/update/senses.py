# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update perceives and does not change: time, sockets and processes, and what servers answer.

Its counterpart is ``Effects``; with both replaced, an update runs in a world that a test made up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..journal.moment import Moment
from ..protocol import probe as protocol
from ..protocol.report import ERAS, EraProbe, ProbeReport
from ..protocol.targets import Target, ToolCall
from ..slot import process
from ..slot.process import Launched, Listener


class Probe(Protocol):
    """As ``protocol.probe.probe``."""

    def __call__(
        self, target: Target, *, timeout: float, calls: Sequence[ToolCall] = (), eras: Sequence[str] = ERAS
    ) -> ProbeReport: ...


class Ping(Protocol):
    """As ``protocol.probe.ping``."""

    def __call__(self, target: Target, *, timeout: float, era: str) -> EraProbe: ...


class Launches(Protocol):
    """As ``slot.process.launched``."""

    def __call__(self, root: Path, server: str | None = None) -> list[Launched]: ...


@dataclass(frozen=True)
class Senses:
    """The machine's own, unless others are given.

    ``monotonic`` and ``sleep`` count seconds; ``now`` is a point in time that is kept in the journal. The
    others are described where they are defined.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], Moment] = Moment.now
    probe: Probe = protocol.probe
    ping: Ping = protocol.ping
    listeners: Callable[[int], list[Listener]] = process.listeners
    owns_port: Callable[[int, int], Listener | None] = process.owns_port
    ports_of: Callable[[int], list[int]] = process.ports_of
    launched: Launches = process.launched

    def since(self, moment: Moment) -> float:
        """Seconds since a point in time, never negative."""
        return moment.elapsed(self.now())
