# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update as a process of its own, as Ansible would start it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.load.control import ROOT
from tests.support.node import Node, raw_box


class Run:
    """A run under way; it has ended when its context has."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ended: tuple[int, str] | None = None

    @classmethod
    @contextlib.contextmanager
    def begin(cls, node: Node, version: str, **changes: Any) -> Iterator[Run]:
        """Start one that brings a version of the test server into service."""
        raw = raw_box(node, version, **changes)
        asked = {
            "config": str(node.config),
            "raw": raw,
            "operation": "present",
            "log": str(node.root / "acts"),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fault.crashes.operation"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        process.stdin = None
        run = cls(process)
        try:
            yield run
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said, when it has ended."""
        if self._ended is None:
            output, _errors = self._process.communicate(timeout=90)
            self._ended = self._process.returncode, output
        return self._ended
