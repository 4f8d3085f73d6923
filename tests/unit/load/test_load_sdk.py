# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official SDK's clients and the servers written with it, as they really are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.control import ROOT, Load
from tests.load.options import LEGACY, MODERN, Options, Target, ToolCall
from tests.support.ports import free_ports

SERVERS = ROOT / "tests" / "load" / "servers"


def _python_with(folder: Path, requirement: str) -> Path:
    uv = Path(sys.executable).with_name("uv")
    assert uv.exists(), f"{uv} is missing: install the development requirements"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--python", python, requirement], check=True)
    return python


@pytest.fixture(scope="module")
def modern_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the SDK of the modern era."""
    return _python_with(tmp_path_factory.mktemp("sdk") / "modern", "mcp==2.3.0")


@pytest.fixture(scope="module")
def legacy_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the SDK of the legacy era."""
    return _python_with(tmp_path_factory.mktemp("sdk") / "legacy", "mcp==1.30.0")


@contextmanager
def server(python: Path, script: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server that accepts connections."""
    environment = {**os.environ, "PORT": str(port), "VERSION": "1.2.3"}
    with subprocess.Popen(
        [python, SERVERS / script], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                assert process.poll() is None, f"{script} exited"
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            yield process
        finally:
            process.kill()


def test_a_real_legacy_server_keeps_the_state_of_its_sessions(legacy_sdk: Path) -> None:
    [port] = free_ports(1)
    target = Target("t", f"http://127.0.0.1:{port}/mcp", (LEGACY,), (ToolCall("whoami", {}),), stateful=True)
    options = Options((target,), legacy=3, streams=2, think=0.02, session_seconds=0.5, timeout=10)
    with server(legacy_sdk, "stateful_legacy.py", port), Load.start(options) as load:
        load.until(lambda report: report["sessions"]["ended"] >= 3)
        report = load.stop()
    assert (report["failed"], report["sessions"]["lost"], report["streams"]["cut"]) == (0, 0, 0)
    assert report["sessions"]["opened"] == report["sessions"]["ended"]
    assert report["streams"]["closed"] > 0


def test_a_real_server_of_both_eras_and_the_sdks_own_clients(modern_sdk: Path) -> None:
    [port] = free_ports(1)
    target = Target(
        "t", f"http://127.0.0.1:{port}/mcp", (LEGACY, MODERN), (ToolCall("echo", {"text": "hi"}),)
    )
    options = Options(
        (target,), legacy=2, modern=2, streams=1, think=0.05, timeout=10, sdk_clients=1, sdk_python=modern_sdk
    )
    with server(modern_sdk, "modern.py", port), Load.start(options) as load:
        load.until(lambda report: report["requests"] > 50 and report["sdk"].get("requests", 0) > 10)
        report = load.stop()
    assert (report["failed"], report["sessions"]["lost"], report["streams"]["cut"]) == (0, 0, 0)
    assert report["streams"]["opened"] == report["streams"]["closed"] == 2
    sdk = report["sdk"]
    assert (sdk["state"], sdk["failed"]) == ("finished", 0)
    assert sdk["sessions"] == {"opened": 1, "ended": 1, "lost": 0, "torn_down": 0}


def test_a_real_server_that_is_killed_costs_every_session_and_stream(
    legacy_sdk: Path, modern_sdk: Path
) -> None:
    [port] = free_ports(1)
    target = Target("t", f"http://127.0.0.1:{port}/mcp", (LEGACY,), stateful=True)
    options = Options(
        (target,), legacy=3, streams=3, think=0.05, timeout=10, sdk_clients=2, sdk_python=modern_sdk
    )
    with server(legacy_sdk, "stateful_legacy.py", port) as first:
        load = Load.start(options)
        with load:
            load.until(
                lambda report: report["streams"]["opened"] == 3 and report["sdk"].get("requests", 0) > 4
            )
            first.kill()
            first.wait()
            with server(legacy_sdk, "stateful_legacy.py", port):
                load.until(
                    lambda report: report["sessions"]["opened"] == 6 and report["streams"]["opened"] == 6
                )
                report = load.stop()
    assert report["sessions"]["lost"] == report["sessions"]["ended"] == 3
    assert report["streams"]["cut"] == report["streams"]["closed"] == 3
    assert set(report["failures"]) <= {"connection refused", "disconnected", "answer cut", "http 404"}
    assert report["failures"]["http 404"] >= 3
    assert report["by_target"]["t"]["without_service_s"] > 0
    assert report["sdk"]["failed"] > 0
    assert report["sdk"]["sessions"]["ended"] == 2
    assert json.dumps(report)
