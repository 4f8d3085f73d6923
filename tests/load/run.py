# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a load from its first client to its report."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .clients import LegacyClient, ModernClient
from .counts import Counts
from .latency import Latencies
from .options import LEGACY, Options
from .pace import Pace
from .sdk import SdkClients

RUNNING = "running"
FINISHED = "finished"
ABORTED = "aborted"
LONG_RUN = 600
"""Seconds after which the report is written more rarely: its timeline makes it ever larger."""
TICK = 0.02
"""Seconds between two looks at how late the load client itself is."""


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Replace the report, so that whoever reads it finds a whole one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_text(json.dumps(report), encoding="utf-8")
    temporary.replace(path)


class Run:
    """One load. ``stop`` ends it properly, ``abort`` at once; what was under way then has failed."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.counts = Counts()
        self.pace = Pace(options.think)
        self._sdk = SdkClients(options) if options.sdk_clients else None
        self._tasks: list[asyncio.Task[None]] = []
        self._state = RUNNING
        self._faults: list[str] = []
        self._lag = Latencies()

    def stop(self) -> None:
        """Let every client finish its request, end its session and close its stream."""
        self.pace.stop.set()

    def abort(self) -> None:
        """Give up what is under way."""
        self._state = ABORTED
        self.stop()
        for task in self._tasks:
            task.cancel()

    def stop_or_abort(self) -> None:
        """Stop; the second time, abort."""
        if self.pace.stop.is_set():
            self.abort()
        else:
            self.stop()

    def report(self) -> dict[str, Any]:
        """The report as of now.

        ``faults`` are errors of the load client itself, which void its counts. ``lag_ms`` is how late its own
        event loop woke up: a latency of that size may be the load client's, not the server's.
        """
        report = self.counts.report(self._state)
        report["faults"] = list(self._faults)
        report["lag_ms"] = self._lag.summary()
        if self._sdk is not None:
            report["sdk"] = self._sdk.report()
        return report

    async def run(self) -> dict[str, Any]:
        """Put the load on until the duration is over or it is stopped; the report."""
        if self._sdk is not None:
            await self._sdk.start()
        self.counts = Counts()
        self._write(self.report())
        for target in self.options.targets:
            for era in target.eras:
                scope = self.counts.scope(target.name, era)
                kind = LegacyClient if era == LEGACY else ModernClient
                for number in range(self.options.clients_of(era)):
                    client = kind(
                        target,
                        self.options,
                        scope,
                        self.pace,
                        target.streaming and number < self.options.streams,
                    )
                    self._tasks.append(asyncio.create_task(client.run()))
        if self._sdk is not None:
            self._tasks.append(asyncio.create_task(self._sdk.run(self.pace.stop)))
        watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._look_at_lag())]
        for task in [*self._tasks, *watching]:
            task.add_done_callback(self._ended)
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
        if self._state == RUNNING:
            self._state = FINISHED
        report = self.report()
        self._write(report)
        return report

    def _ended(self, task: asyncio.Task[None]) -> None:
        """An error of the load client itself makes the whole load worthless: say so and end it."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._faults.append(f"{type(error).__name__}: {error}")
            self.stop()

    async def _look_at_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            self._lag.add((loop.time() - due) * 1000)

    async def _watch(self) -> None:
        """Write the report and the progress each second; stop when the duration is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        duration = self.options.duration
        before = 0
        second = 0
        while True:
            second += 1
            wake = began + second
            if duration and wake >= began + duration and not self.pace.stop.is_set():
                await asyncio.sleep(max(0.0, began + duration - loop.time()))
                self.stop()
            await asyncio.sleep(max(0.0, wake - loop.time()))
            if second % (1 + second // LONG_RUN) == 0:
                self._write(self.report())
            if self.options.progress:
                before = self._tell(second, before)

    def _write(self, report: dict[str, Any]) -> None:
        if self.options.report is not None:
            write_report(self.options.report, report)

    def _tell(self, second: int, before: int) -> int:
        total = self.counts.total()
        print(
            f"{second:4d} s  requests {total.requests} (+{total.requests - before})  failed {total.failed}"
            f"  open sessions {total.open_sessions}  open streams {total.open_streams}"
            f"  lost {total.sessions['lost']}  cut {total.streams['cut']}",
            file=sys.stderr,
            flush=True,
        )
        return total.requests


async def _run_until_told(options: Options) -> dict[str, Any]:
    run = Run(options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, run.stop_or_abort)
    if options.end_with_stdin:
        await loop.connect_read_pipe(lambda: _UntilEnd(run), sys.stdin)
    return await run.run()


class _UntilEnd(asyncio.Protocol):
    """Stops a load when standard input ends."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.stop()


def main(options: Options) -> int:
    """Run a load as a program; the exit code is 0 when its counts can be relied upon, whatever they are."""
    report = asyncio.run(_run_until_told(options))
    if options.report is None:
        json.dump(report, sys.stdout, indent=2)
        print()
    for fault in report["faults"]:
        print(f"the load client itself failed: {fault}", file=sys.stderr)
    return 1 if report["faults"] else 0
