# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of those who share the points among them, each on a node of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.load.control import ROOT, Load
from tests.load.options import Options, Target
from tests.support.node import Node

from .enumerate import OLD, OPERATIONS, Findings, acts, disturb
from .modes import MODES, Mode
from .place import Place

CACHE = ROOT / ".work" / "fault" / "cache"
SESSION_IDLE = 2
"""Seconds: longer than clients pause, and what a drain waits where a new HAProxy may not know of sessions."""
TOLD = 20
"""Points after which it says how far it is."""
MORE = 12
"""Acts beyond those that were counted: some runs have more. What is not reached is no point."""


def clients(place: Place) -> Options:
    """Clients of both eras with state in their sessions, and event streams."""
    target = Target("box", place.node.url("box"), ("legacy", "modern"), stateful=True)
    return Options(
        targets=(target,), legacy=2, modern=2, streams=1, think=0.1, session_seconds=0.5, stream_seconds=0.5
    )


@dataclass(frozen=True)
class Share:
    """Every so many-th act of each mode's own share, beginning with the one that ``number`` names."""

    number: int
    workers: int
    every: int
    seed: int

    def of(self, mode: Mode, count: int) -> range:
        """The acts that are this worker's, of so many and some more."""
        step = mode.every * self.every
        return range(1 + self.seed % step, count + MORE + 1, step)[self.number :: self.workers]


class Worker:
    """What was found on one node; ``failures`` are those that clients saw of what they may not notice."""

    def __init__(self, folder: Path, share: Share, told: Callable[[str], None]) -> None:
        self.findings = Findings()
        self.failures = 0
        self._folder = folder / str(share.number)
        self._share = share
        self._told = told

    def work(self) -> None:
        """Let everything befall each of the acts that are this worker's."""
        with Node(self._folder, CACHE, SESSION_IDLE) as node:
            place = Place(node)
            place.run("present", "box", OLD)
            counts = {operation.name: acts(place, operation) for operation in OPERATIONS}
            for mode in MODES:
                with self._load(place) if mode.unnoticed else contextlib.nullcontext():
                    self._each(place, mode, counts)

    def _each(self, place: Place, mode: Mode, counts: dict[str, int]) -> None:
        for operation in OPERATIONS:
            mine = self._share.of(mode, counts[operation.name])
            for done, at in enumerate(mine, 1):
                disturb(place, mode, operation, at, self.findings)
                if done % TOLD == 0 or done == len(mine):
                    self._told(f"{mode.name}, {operation.name}: {done} of {len(mine)} points")

    @contextlib.contextmanager
    def _load(self, place: Place) -> Iterator[None]:
        with Load.start(clients(place)) as running:
            running.until(lambda report: report["requests"] > 50)
            yield
            report = running.stop()
        self.failures = report["failed"] + report["sessions"]["lost"] + report["streams"]["cut"]
        for first in report["first_failures"]:
            self._told(f"client: {first}")
