# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that are left; whoever has time takes the next one."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .enumerate import OPERATIONS, Operation
from .modes import MODES, Mode

TOLD = 20
"""Points after which it says how far it is."""
MORE = 12
"""Acts beyond those that were counted: some runs have more. What is not reached is no point."""


@dataclass(frozen=True)
class Point:
    """Something befalls an operation at an act."""

    mode: Mode
    operation: Operation
    at: int


class Pool:
    """Every so many-th act of each mode's own share, beginning with the one that ``seed`` names."""

    def __init__(self, every: int, seed: int, told: Callable[[str], None]) -> None:
        self._every = every
        self._seed = seed
        self._told = told
        self._lock = threading.Lock()
        self._left: deque[Point] | None = None
        self._all: Counter[str] = Counter()
        self._done: Counter[str] = Counter()

    def fill(self, counts: Mapping[str, int]) -> None:
        """Begin with all points of operations that have so many acts, by name. The first call counts."""
        with self._lock:
            if self._left is None:
                self._left = deque(
                    Point(mode, operation, at)
                    for mode in MODES
                    for operation in OPERATIONS
                    for at in self._acts(mode, counts[operation.name])
                )
                self._all = Counter(point.mode.name for point in self._left)

    def take(self, unnoticed: bool) -> Iterator[Point]:
        """The points that are left, of modes of which clients may notice nothing or of the others."""
        while True:
            with self._lock:
                assert self._left is not None
                point = next((each for each in self._left if each.mode.unnoticed is unnoticed), None)
                if point is None:
                    return
                self._left.remove(point)
            yield point
            self._count(point.mode.name)

    def clear(self) -> None:
        """Leave no point to take, so that who is at work comes to its end."""
        with self._lock:
            self._left = deque()

    def _acts(self, mode: Mode, count: int) -> range:
        step = mode.every * self._every
        return range(1 + self._seed % step, count + MORE + 1, step)

    def _count(self, mode: str) -> None:
        with self._lock:
            self._done[mode] += 1
            done, of_all = self._done[mode], self._all[mode]
        if done % TOLD == 0 or done == of_all:
            self._told(f"{mode}: {done} of {of_all} points")
