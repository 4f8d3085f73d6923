# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of ``make fault`` run beside each other, and end together."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fault import __main__ as fault
from tests.fault.__main__ import Ended, Parts, figures_of
from tests.support.waiting import wait_for


@contextmanager
def waiting(parts: Parts, folder: Path) -> Iterator[list[Ended]]:
    """A part that is at work when the body begins; how it ended is there after it."""
    ended: list[Ended] = []
    with ThreadPoolExecutor() as pool:
        future = pool.submit(parts.run, "server", "http.server", "0", "--directory", str(folder))
        wait_for(lambda: parts._running, "it runs")
        yield ended
        ended.append(future.result(60))


def test_an_interrupt_ends_what_runs_and_lets_nothing_start(tmp_path: Path) -> None:
    parts = Parts()
    with waiting(parts, tmp_path) as ended:
        time.sleep(1)
        parts.interrupt()
    # The server of files takes a Ctrl-C for its regular end.
    assert ended[0].code in (0, -signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        parts.run("again", "http.server", "0")


def test_histories_of_all_batches_are_counted_and_a_batch_that_died_leaves_no_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fault, "BATCH", 2)
    invented = fault.invent(Parts(), deque([0, 2, 4]), 5, 1)
    crashed = Ended(0, '{"crash_points": 1, "invariant_violations": 0}')
    figures = figures_of(crashed, Ended(0, "== 3 passed in 1 s"), invented)
    assert len(invented) == 3 and figures["histories"] >= 5 and figures["invariant_violations"] == 0
    assert figures_of(crashed, Ended(0, ""), [*invented, Ended(-9, "")])["histories"] is None
