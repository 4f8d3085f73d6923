# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load run as a process beside something else: it starts, reports, stops in good order and always ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.control import ROOT, Load
from tests.load.options import LEGACY, MODERN, Options, Target
from tests.unit.load.faulty import FaultyServer, Plan, each


@contextmanager
def serving(plan: Plan = lambda seen: None) -> Iterator[FaultyServer]:
    """A faulty server in a thread of its own."""
    server = FaultyServer(plan)
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def options_for(server: FaultyServer, report: Path | None = None) -> Options:
    """A small load of both eras."""
    target = Target("t", server.url, (LEGACY, MODERN))
    return Options((target,), legacy=2, modern=2, streams=1, think=0.01, timeout=5, report=report)


def gone(pid: int) -> bool:
    """Whether a process has ended, within some seconds."""
    for _time in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_load_that_is_stopped_ends_its_sessions_and_streams_and_reports() -> None:
    with serving(each(9, "503", "ping")) as server, Load.start(options_for(server)) as load:
        running = load.until(lambda report: report["requests"] > 50)
        assert running["state"] == "running"
        report = load.stop()
        assert load.stop() == report
    assert report["state"] == "finished"
    assert report["requests"] == server.requests
    assert report["failures"] == {"http 503": server.done["503"]}
    assert report["sessions"]["ended"] == server.opened == server.ended == 2
    assert report["streams"]["closed"] == server.stream_connections == 2


def test_a_load_with_a_duration_ends_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with serving() as server:
        options = Options(**{**vars(options_for(server, file)), "duration": 0.5})
        with Load.start(options) as load:
            report = load.wait()
    assert report["requests"] == server.requests > 0
    assert json.loads(file.read_text()) == report


def test_a_load_ends_with_its_block_though_nobody_stopped_it() -> None:
    with serving() as server:
        with pytest.raises(KeyError), Load.start(options_for(server)) as load:
            raise KeyError("the test that uses it failed")
        assert not load.running
        assert server.opened == server.ended


def test_a_load_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from tests.load.control import Load\n"
        "from tests.load.options import parse\n"
        "load = Load.start(parse(sys.argv[1:]))\n"
        "print(load._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with serving() as server:
        argv = [sys.executable, "-c", script, *options_for(server).argv()]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        with subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as starter:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            starter.kill()
        assert gone(pid)
        assert server.opened == server.ended


def test_a_load_that_is_killed_leaves_its_last_report_and_is_no_good_load() -> None:
    with serving() as server, Load.start(options_for(server)) as load:
        load.until(lambda report: report["requests"] > 10)
        os.kill(load._process.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="exit code -9"):
            load.wait(10)
        assert load.report()["requests"] > 10
        assert load.report()["state"] == "running"
        with pytest.raises(RuntimeError, match="ended by itself"):
            load.until(lambda report: False)


def test_a_load_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="there is no client"):
        Load.start(Options((Target("t", "http://127.0.0.1:1/mcp", (LEGACY,)),)))


def test_a_load_whose_sdk_clients_cannot_start_says_so() -> None:
    target = Target("t", "http://127.0.0.1:1/mcp", (LEGACY,))
    with pytest.raises(RuntimeError, match="the SDK clients exited with 1"):
        Load.start(Options((target,), sdk_clients=1, sdk_python=Path("/bin/false")))


def test_a_condition_that_is_not_reached_is_not_waited_for_without_end() -> None:
    with serving() as server, Load.start(options_for(server)) as load:
        with pytest.raises(TimeoutError):
            load.until(lambda report: report["requests"] < 0, timeout=0.3)
        assert load.running


def test_sigint_at_the_command_line_ends_the_load_and_prints_the_report() -> None:
    with serving() as server:
        argv = [sys.executable, "-m", "tests.load", *options_for(server).argv(), "--progress"]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stderr is not None
            assert b"requests" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            report = json.loads(process.stdout.read())
        assert process.returncode == 0
    assert report["state"] == "finished"
    assert report["requests"] == server.requests
    assert server.opened == server.ended
