# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server written with the Python SDK, in a virtual environment of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SDK = "mcp==2.3.0"


def environment() -> Path:
    """The interpreter that has the SDK; installed once, below .work."""
    folder = ROOT / ".work" / "bench" / SDK.replace("==", "-")
    if not (folder / "complete").exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True
        )
        python = str(folder / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, SDK], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


@contextmanager
def sdk_server(port: int) -> Iterator[None]:
    """The modern server of the load tests, for as long as the block runs."""
    with subprocess.Popen(
        [str(environment()), str(ROOT / "tests" / "load" / "servers" / "modern.py")],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            _await_port(port, process)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)
