# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.fault [--part]``: every crash point, random histories, attacks; the last line is JSON.

``--part`` takes a share of each that fits in five minutes. docs/reliability.md says what is promised.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.load.control import ROOT
from tests.support.command import execute

ATTACKS = ("races", "deadlines", "room", "drift", "between_runs")
BATCH = 250
"""Histories that one process makes up, one after the other."""
_PASSED, _SKIPPED = re.compile(r"\b(\d+) passed"), re.compile(r"\b(\d+) skipped")


@dataclass(frozen=True)
class Extent:
    """How much of it is done: histories, each so many-th crash point, which attacks.

    ``points``, ``seconds``: at least so many crash points have to come of it, in at most so much time.
    """

    histories: int
    every: int
    attacks: Sequence[str]
    points: int
    seconds: float


WHOLE = Extent(histories=5000, every=1, attacks=ATTACKS, points=200, seconds=25 * 60)
PART = Extent(
    histories=300, every=22, attacks=("races", "room", "drift", "between_runs"), points=20, seconds=10 * 60
)
WORST_RECOVERY = 5.0
"""Seconds that the run after a crash may take."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and the last line it printed."""

    code: int
    last: str

    def figures(self) -> dict[str, Any]:
        """The last line as JSON; nothing when the command died before it."""
        try:
            found = json.loads(self.last)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Parts:
    """Commands beside each other, each out of reach of a terminal's Ctrl-C: ``interrupt`` ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._over = False

    def run(self, name: str, *arguments: str) -> Ended:
        """Run a Python module of ours, and show what it prints as it comes."""
        last = ""
        with self._started(arguments) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last = line.strip() or last
                with self._lock:
                    print(f"{name:9} | {line.rstrip()}", flush=True)
        return Ended(process.returncode, last)

    @contextmanager
    def _started(self, arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self._over:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", *arguments], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
            )  # fmt: skip
            self._running.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._running.discard(process)

    def interrupt(self) -> None:
        """End what runs, as Ctrl-C does; nothing more is started."""
        with self._lock:
            self._over = True
            for process in self._running:
                process.send_signal(signal.SIGINT)


def main() -> int:
    """The command; 1 when something was not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("--part", action="store_true", help="a share that fits in five minutes")
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    options = parser.parse_args()
    extent, seed, begun = PART if options.part else WHOLE, str(options.seed), time.monotonic()
    files = [f"tests/fault/attacks/test_{name}.py" for name in extent.attacks]
    parts = Parts()
    numbers = deque(range(0, extent.histories, BATCH))

    def crash_and_attack() -> tuple[Ended, Ended, list[Ended]]:
        crashed = parts.run("crashes", "tests.fault.crashes", "--every", str(extent.every), "--seed", seed)
        attacked = parts.run("attacks", "pytest", "-rs", "--numprocesses=3", *files)
        return crashed, attacked, invent(parts, numbers, extent.histories, options.seed)

    # One core is busy with histories, the other with crashes and then attacks, which mostly wait; once those
    # are done with histories, too.
    with ThreadPoolExecutor() as pool:
        inventing = pool.submit(invent, parts, numbers, extent.histories, options.seed)
        others = pool.submit(crash_and_attack)
        try:
            crashed, attacked, last = others.result()
            invented = [*inventing.result(), *last]
        except BaseException:
            parts.interrupt()
            raise
    figures = figures_of(crashed, attacked, invented)
    figures.update(seed=options.seed, seconds=round(time.monotonic() - begun))
    codes = {
        "histories": max(each.code for each in invented), "crashes": crashed.code, "attacks": attacked.code,
    }  # fmt: skip
    failed = [name for name, code in codes.items() if code]
    print(json.dumps({**figures, "failed": failed, "missed": missed(figures, extent)}))
    return int(bool(failed or missed(figures, extent)))


def invent(parts: Parts, numbers: deque[int], histories: int, seed: int) -> list[Ended]:
    """Random histories, a process for each BATCH, as long as there are ``numbers`` of the first of one; who
    else takes from them has the others."""
    ended = []
    while numbers:
        # Of two that saw the last one, one comes too late.
        with suppress(IndexError):
            first = numbers.popleft()
            size = str(min(BATCH, histories - first))
            asked = ("--histories", size, "--seed", str(seed + first))
            ended.append(parts.run("histories", "tests.fault.histories", *asked))
    return ended


def figures_of(crashed: Ended, attacked: Ended, invented: Sequence[Ended]) -> dict[str, Any]:
    """The figures of all parts; None where a part died before it told its own."""
    real, made_up = crashed.figures(), [each.figures() for each in invented]
    passed, skipped = _PASSED.search(attacked.last), _SKIPPED.search(attacked.last)
    return {
        "crash_points": real.get("crash_points"),
        "recovered": real.get("recovered"),
        "worst_recovery_s": real.get("worst_recovery_s"),
        "histories": _sum(*(each.get("histories") for each in made_up)),
        "made_up_crash_points": _sum(*(each.get("crash_points") for each in made_up)),
        "invariant_violations": _sum(*(each.get("invariant_violations") for each in (real, *made_up))),
        "client_failures": real.get("client_failures"),
        "attacks_withstood": int(passed[1]) if passed else 0,
        "attacks_skipped": int(skipped[1]) if skipped else 0,
    }


def missed(figures: dict[str, Any], extent: Extent) -> list[str]:
    """Which figures are not as promised; one that is not known is not."""
    reached: dict[str, Callable[[Any], bool]] = {
        "crash_points": lambda points: points >= extent.points,
        "recovered": lambda points: points == figures["crash_points"],
        "worst_recovery_s": lambda seconds: seconds <= WORST_RECOVERY,
        "histories": lambda number: number >= extent.histories,
        "invariant_violations": lambda number: number == 0,
        "client_failures": lambda number: number == 0,
        "seconds": lambda seconds: seconds <= extent.seconds,
    }
    return [name for name, good in reached.items() if figures[name] is None or not good(figures[name])]


def _sum(*numbers: int | None) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


if __name__ == "__main__":
    execute(main)
