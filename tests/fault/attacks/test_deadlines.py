# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs is given up in time, the old version serves on, and the next run goes on."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.support.client import LegacySession
from tests.support.node import Node, version

SLACK = 20.0
"""Seconds that a run may take beyond its time limits, on a busy machine, before it counts as hung."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails when what is inside takes longer than its time limits allow."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + SLACK


@contextmanager
def mute_registry() -> Iterator[str]:
    """A package index that accepts connections and never says a word."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/simple"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Processes that do not answer for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_an_install_from_a_registry_that_never_answers_is_given_up(
    node: Node, unnoticed: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unnoticed(), mute_registry() as index:
        with monkeypatch.context() as patch, within(3), pytest.raises(FleetError) as caught:
            patch.delenv("UV_NO_INDEX")
            patch.delenv("UV_FIND_LINKS")
            patch.setenv("UV_DEFAULT_INDEX", index)
            node.update("2.0.0", update={"install_timeout": 3})
        assert "did not end within" in str(caught.value) and "time limit" in str(caught.value)
        assert version(node) == "1.0.0"
        node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_start_that_hangs_is_given_up(node: Node, unnoticed: Callable[[], Any]) -> None:
    with unnoticed():
        with within(2), pytest.raises(FleetError, match="listened on nothing within 2 s"):
            node.update("2.3.0", update={"ready_timeout": 2})
        assert version(node) == "1.0.0"


def test_a_probe_that_is_never_answered_is_given_up(node: Node, unnoticed: Callable[[], Any]) -> None:
    with unnoticed():
        with within(3), pytest.raises(FleetError) as caught:
            node.update("2.16.0", update={"ready_timeout": 3})
        assert "out of time while waiting for an answer" in str(caught.value), str(caught.value)
        assert version(node) == "1.0.0"
        assert node.host().driver.status("box", "green").pid is None
        node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_required_call_that_never_returns_is_given_up(node: Node, unnoticed: Callable[[], Any]) -> None:
    asleep = {"calls": [{"tool": "slow", "arguments": {"seconds": 3600}}]}
    with unnoticed():
        with within(15), pytest.raises(FleetError) as caught:
            node.update("2.0.0", require=asleep, update={"ready_timeout": 3})
        assert "slow" in str(caught.value), str(caught.value)
        assert version(node) == "1.0.0"
        node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_server_that_is_frozen_during_the_bake_is_gone_back_from(node: Node) -> None:
    stop = threading.Event()

    def freeze() -> None:
        while not stop.is_set():
            if version(node) == "2.0.0":
                pid = node.host().driver.status("box", "green").pid
                if pid:
                    os.kill(pid, signal.SIGSTOP)
                return
            time.sleep(0.02)

    meddler = threading.Thread(target=freeze)
    meddler.start()
    try:
        with within(60), pytest.raises(FleetError, match="health checks in a row failed"):
            node.update("2.0.0", update={"bake": 30, "drain": 1})
    finally:
        stop.set()
        meddler.join()
    assert version(node) == "1.0.0"
    assert node.host().driver.status("box", "green").pid is None
    node.update("3.0.0")
    assert version(node) == "3.0.0"


def test_a_session_that_never_ends_holds_a_drain_up_for_its_time_and_no_longer(node: Node) -> None:
    # A session of this node is forgotten after two seconds of silence: it begins when all else is done.
    node.update("2.0.0", phase="staged", update={"drain": 1, "bake": 0})
    LegacySession(node.url())
    with within(1):
        outcome = node.update("2.0.0", update={"drain": 1, "bake": 0}).to_json()
    assert outcome["transaction"] is None
    assert outcome["drained"]["sessions_cut"] == 1


def test_an_edge_that_does_not_answer_is_told_and_the_next_run_goes_on(node: Node) -> None:
    with frozen(*node.edge_processes()), within(30), pytest.raises(FleetError) as caught:
        node.update("2.0.0")
    assert "haproxy.sock" in str(caught.value) or "edge" in str(caught.value).lower()
    assert version(node) == "1.0.0"
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_supervisor_that_does_not_answer_is_told_and_the_next_run_goes_on(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    with unnoticed():
        with frozen(node.supervisor()), within(60), pytest.raises(FleetError) as caught:
            node.update("2.0.0")
        assert "supervisor" in str(caught.value).lower()
        assert version(node) == "1.0.0"
        node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_process_that_does_not_end_by_itself_is_ended_by_force(node: Node) -> None:
    node.update("2.0.0")
    old = node.host().driver.status("box", "green").pid
    assert old is not None
    with within(3):
        os.kill(old, signal.SIGSTOP)
        # It serves no more, so nothing can be drained from it; what is asked for is that it goes.
        node.update("3.0.0", update={"drain": 0, "stop_timeout": 1})
    assert not Path(f"/proc/{old}").exists()
    assert version(node) == "3.0.0"
