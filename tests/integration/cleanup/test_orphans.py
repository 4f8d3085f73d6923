# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers whose client has ended are found and, where that is chosen, ended; no other ever is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup import orphans
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.charge import Charge
from tests.integration.cleanup.cleaning import cleaned, foreseen
from tests.support.node import Node
from tests.support.releases import place
from tests.support.waiting import wait_for

END = {"orphans": "end"}

CLIENT = """
import os, socket, subprocess, sys, time
kind, launcher = sys.argv[1:]
if kind == "socket":
    ours, theirs = socket.socketpair()
    server = subprocess.Popen([launcher], stdin=theirs, stdout=theirs)
    theirs.close()
else:
    server = subprocess.Popen([launcher], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
print(server.pid, flush=True)
time.sleep(120)
"""
"""A client with pipes, or as Node.js with sockets."""

SERVER = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(120)"
"""A server that does not notice that its input has ended."""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A host on which clients start the server ``box``."""
    monkeypatch.setattr(orphans, "GRACE", 0.0)
    node = place(tmp_path / "node")
    slot = node.root / "slots" / "box" / "blue"
    slot.mkdir(parents=True)
    launch = {
        "server": "box", "slot": "blue", "root": str(node.root / "slots"), "directory": "", "stop_timeout": 2,
        "argv": [sys.executable, "-c", SERVER], "environment": {}, "inherit_environment": True, "sandbox": {},
    }  # fmt: skip
    (slot / "launch.json").write_text(json.dumps(launch))
    (slot / "credentials.json").write_text("{}")
    mcp_launch = Path(__file__).parents[3] / "roles" / "host" / "files" / "mcp-launch"
    run = slot / "run"
    run.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {mcp_launch} {slot / "launch.json"} "$@"\n')
    run.chmod(0o755)
    return node


@pytest.fixture(params=["pipe", "socket"])
def client(node: Node, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A client and the process id of the server that it started."""
    run = str(node.root / "slots" / "box" / "blue" / "run")
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, request.param, run], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        server = int(process.stdout.readline())
        wait_for(lambda: launched(server), "it is a server's process")
        yield process, server
        process.kill()
    if running(server):
        os.kill(server, signal.SIGKILL)


def launched(pid: int) -> bool:
    """Whether a process bears the mark of a server."""
    return b"MCP_FLEET_SLOT" in Path(f"/proc/{pid}/environ").read_bytes()


def ended(pid: int) -> bool:
    """Whether a process has ended."""
    return not running(pid)


def running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def told(node: Node, policy: dict[str, Any] | None = None, end: bool = True) -> list[tuple[int, str]]:
    """Orphans that a cleanup tells of, and what became of each."""
    outcome = (cleaned if end else foreseen)(node, policy)
    return [(entry["pid"], entry["action"]) for entry in result_of(outcome)["orphans"]]


def test_a_process_that_bears_the_mark_of_no_server_keeps_no_cleanup_from_its_work(node: Node) -> None:
    mark = {"MCP_FLEET_SLOTS": str(node.root / "slots"), "MCP_FLEET_SLOT": "/blue"}
    with subprocess.Popen(["/bin/sleep", "60"], env={**os.environ, **mark}, start_new_session=True) as forged:
        try:
            wait_for(lambda: b"sleep" in Path(f"/proc/{forged.pid}/cmdline").read_bytes(), "it is sleep")
            assert told(node, END) == [] and running(forged.pid)
        finally:
            forged.kill()


def test_a_server_of_a_living_client_is_no_orphan(
    node: Node, client: tuple[subprocess.Popen[str], int]
) -> None:
    assert told(node, END) == []
    assert running(client[1])


def test_a_server_whose_client_was_killed_is_reported_and_ended_where_that_is_chosen(
    node: Node, client: tuple[subprocess.Popen[str], int]
) -> None:
    process, server = client
    process.kill()
    process.wait()
    assert told(node) == [(server, "report")] and running(server)
    assert told(node, END, end=False) == [(server, "end")] and running(server)
    assert told(node, END) == [(server, "ended")]
    assert not running(server) and told(node, END) == []


def test_a_server_whose_starter_has_ended_and_whose_input_another_holds_is_no_orphan(node: Node) -> None:
    run = str(node.root / "slots" / "box" / "blue" / "run")
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    for place_of_input in (theirs.fileno(), reading):
        starter = subprocess.run(
            ["/bin/sh", "-c", f"exec 3<&0; {run} <&3 >/dev/null & echo $!"],
            stdin=place_of_input, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        server = int(starter.stdout)
        wait_for(partial(launched, server), "it is a server's process")
        assert [pid for pid, _what in told(node, END)] == []
        os.kill(server, signal.SIGKILL)
        wait_for(partial(ended, server), "it ends")
    for each in (ours, theirs):
        each.close()
    os.close(reading)
    os.close(writing)


def test_an_orphan_of_a_protected_server_lives_until_its_end_is_approved_and_is_then_on_record(
    node: Node, client: tuple[subprocess.Popen[str], int]
) -> None:
    process, server = client
    process.kill()
    process.wait()
    node.host().journal.save(Record("box", protected=True))
    for look in (foreseen, cleaned):
        [orphan] = result_of(look(node, END))["orphans"]
        assert (orphan["pid"], orphan["action"]) == (server, "kept") and running(server)
        assert "box: the server is protected, and nothing approves this change" in orphan["why"]
    assert node.host().trail.parts() == []
    approved = Charge(rules=rules_of(["box:cleanup"], (), None))
    [orphan] = result_of(cleaned(node, END, charge=approved))["orphans"]
    assert orphan["action"] == "ended" and not running(server)
    begun, ended = (line.fields for line in check(node.host().trail.parts()).lines)
    assert (begun["server"], begun["plan"]) == (
        "box", [f"end process {server} of box/blue: its client has ended"]
    )  # fmt: skip
    assert (ended["ended"], ended["deleted"]) == ([f"process {server} of box/blue"], [])


def test_an_orphan_at_whose_server_another_run_is_at_work_is_left(
    node: Node, client: tuple[subprocess.Popen[str], int]
) -> None:
    process, server = client
    process.kill()
    process.wait()
    with node.host().journal.lock("box", 0):
        assert told(node, END) == [(server, "left")]
    assert running(server)
