# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of those who share the points among them, each on a node of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.load.control import ROOT, Load
from tests.load.options import Options, Target
from tests.support.node import Node

from .enumerate import OLD, OPERATIONS, Findings, acts, disturb
from .place import Place
from .pool import Pool

CACHE = ROOT / ".work" / "fault" / "cache"
SESSION_IDLE = 2
"""Seconds: longer than clients pause, and what a drain waits where a new HAProxy may not know of sessions."""
UNDER_LOAD = 3
"""How many work under load at once; clients and their servers keep two cores busy."""


def clients(place: Place) -> Options:
    """Clients of both eras with state in their sessions, and event streams."""
    target = Target("box", place.node.url("box"), ("legacy", "modern"), stateful=True)
    return Options(
        targets=(target,), legacy=2, modern=2, streams=1, think=0.1, session_seconds=0.5, stream_seconds=0.5
    )


class Worker:
    """What was found on one node; ``failures`` are those that clients saw of what they may not notice."""

    def __init__(self, folder: Path, number: int, pool: Pool, told: Callable[[str], None]) -> None:
        self.findings = Findings()
        self.failures = 0
        self._folder = folder / str(number)
        self._under_load = number < UNDER_LOAD
        self._pool = pool
        self._told = told

    def work(self) -> None:
        """Take points until there are none."""
        with Node(self._folder, CACHE, SESSION_IDLE) as node:
            place = Place(node)
            place.run("present", "box", OLD)
            self._pool.fill({operation.name: acts(place, operation) for operation in OPERATIONS})
            if self._under_load:
                with self._load(place):
                    self._take(place, unnoticed=True)
            self._take(place, unnoticed=False)

    def _take(self, place: Place, unnoticed: bool) -> None:
        for point in self._pool.take(unnoticed):
            disturb(place, point.mode, point.operation, point.at, self.findings)

    @contextlib.contextmanager
    def _load(self, place: Place) -> Iterator[None]:
        with Load.start(clients(place)) as running:
            running.until(lambda report: report["requests"] > 50)
            yield
            report = running.stop()
        self.failures = report["failed"] + report["sessions"]["lost"] + report["streams"]["cut"]
        for first in report["first_failures"]:
            self._told(f"client: {first}")
