# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usual way, for comparison: one directory, the next version installed in place, a restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.load.control import Load
from tests.load.options import Options, Target
from tests.support.ports import free_ports


class InPlace:
    """A PyPI server in a virtual environment; ``update`` is what a playbook of few lines does."""

    def __init__(self, folder: Path, identifier: str, cache: Path) -> None:
        self._venv = folder / "venv"
        self._identifier = identifier
        self._uv = str(Path(sys.executable).parent / "uv")
        self._cache = cache
        [self.port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run([self._uv, "venv", "--quiet", "--python", sys.executable, str(self._venv)], check=True)

    def update(self, version: str) -> None:
        """Install over what is there, stop, start, wait for the port."""
        subprocess.run(
            [
                self._uv, "pip", "install", "--quiet", "--cache-dir", str(self._cache / "uv"), "--python",
                str(self._venv / "bin" / "python"), f"{self._identifier}=={version}",
            ],
            check=True,
        )  # fmt: skip
        self.stop()
        arguments = ["--transport", "streamable-http", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [str(self._venv / "bin" / self._identifier), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM, after 5 s SIGKILL."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def measure(
    folder: Path, cache: Path, identifier: str, versions: tuple[str, str], updates: int, load: Options
) -> dict[str, Any]:
    """``updates`` updates in place, to and fro between two versions, under ``load``."""
    server = InPlace(folder, identifier, cache)
    server.update(versions[0])
    try:
        target = Target(identifier, f"http://127.0.0.1:{server.port}/mcp", ("legacy",))
        options = Options(**{**vars(load), "targets": (target,), "modern": 0})
        with Load.start(options) as running:
            running.until(lambda report: report["requests"] > 50)
            for number in range(updates):
                server.update(versions[(number + 1) % 2])
                time.sleep(2)
            report = running.stop()
    finally:
        server.stop()
    outage = report["by_target"][identifier]["without_service_s"]
    return {
        "updates": updates,
        "requests": report["requests"],
        "failed": report["failed"],
        "sessions_lost": report["sessions"]["lost"],
        "streams_cut": report["streams"]["cut"],
        "seconds_without_service_per_update": round(outage / updates, 3),
    }
