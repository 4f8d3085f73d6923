# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a load beside something else: started as a process, watched by its report, always ended.

with Load.start(Options(targets=(Target("time", url, ("legacy", "modern")),), legacy=5, modern=5)) as load:
    load.until(lambda report: report["requests"] > 100)
    ...
    report = load.stop()
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from .options import Options

ROOT = Path(__file__).resolve().parents[2]
"""Where ``python -m tests.load`` is run: the repository."""
POLL = 0.1


class Load:
    """A load that runs in a process group of its own.

    It ends with ``stop``, at the end of the ``with`` block, and by itself when the process that started it
    dies, whichever comes first.
    """

    def __init__(self, process: subprocess.Popen[bytes], options: Options, folder: Path, log: Path) -> None:
        self._process = process
        self._options = options
        self._folder = folder
        self._log = log
        self._last: dict[str, Any] = {}

    @classmethod
    def start(cls, options: Options, python: str = sys.executable) -> Load:
        """Start a load; its report goes to ``options.report``, or to a temporary file.

        It has begun when this returns. Raises RuntimeError when it did not.
        """
        folder = Path(tempfile.mkdtemp(prefix="mcp-load-"))
        options = replace(
            options, report=(options.report or folder / "report.json").resolve(), end_with_stdin=True
        )
        assert options.report is not None
        options.report.unlink(missing_ok=True)
        log = folder / "load.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [python, "-m", "tests.load", *options.argv()],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        load = cls(process, options, folder, log)
        try:
            load.until(lambda report: True)
        except BaseException:
            load.close()
            raise
        return load

    @property
    def running(self) -> bool:
        """Whether the load's process lives."""
        return self._process.poll() is None

    def report(self) -> dict[str, Any]:
        """The report as of the last second."""
        assert self._options.report is not None
        with contextlib.suppress(FileNotFoundError):
            self._last = json.loads(self._options.report.read_text(encoding="utf-8"))
        return self._last

    def until(self, reached: Callable[[dict[str, Any]], bool], timeout: float = 60.0) -> dict[str, Any]:
        """Wait for a report of which something is true.

        Raises RuntimeError when the load ends before, TimeoutError after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            alive = self.running
            report = self.report()
            if report and reached(report):
                return report
            if not alive:
                raise RuntimeError(f"the load ended by itself: {self._said()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not reached within {timeout:g} s of load: {self._said()}")
            time.sleep(POLL)

    def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the end of a load that has a duration; its last report."""
        timeout = timeout if timeout is not None else self._options.duration + 3 * self._options.timeout + 30
        return self._finish(timeout)

    def stop(self, timeout: float | None = None) -> dict[str, Any]:
        """End the load properly; its last report. Calling it again gives the same report.

        Raises RuntimeError when it did not end within ``timeout`` seconds (by default long enough for three
        requests that time out) or failed itself; it has ended then, too.
        """
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        return self._finish(timeout if timeout is not None else 3 * self._options.timeout + 30)

    def _finish(self, timeout: float) -> dict[str, Any]:
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._kill()
            raise RuntimeError(f"the load did not end within {timeout:g} s: {self._said()}") from None
        report = self.report()
        if code != 0 or report.get("state") != "finished":
            raise RuntimeError(f"the load ended with exit code {code}: {self._said()}")
        return report

    def _said(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return " | ".join(lines[-5:]) or "it said nothing"

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the load if it still runs, and remove what it left apart from a report that was asked for."""
        try:
            if self.running:
                self._process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(10)
        finally:
            if self.running:
                self._kill()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self.report()
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Load:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
