# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc says, of real processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.slot import process as process_module
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import (
    Identity,
    alive,
    group,
    identity,
    launched,
    listeners,
    marked,
    owns_port,
    ports_of,
    tree,
)
from tests.integration.slot.node import SERVE, answer
from tests.support.waiting import wait_for

LISTEN = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""


@contextlib.contextmanager
def process(*argv: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv, env={**os.environ, **variables}, start_new_session=True) as started:
        pids = {started.pid}
        try:
            yield started
        finally:
            pids |= tree(started.pid) | {each.pid for each in marked(Path("/fleet/slots"), "time", "blue")}
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_listener_is_found_with_its_address_and_its_process(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        listener.bind((address, 0))
        port = listener.getsockname()[1]
        assert owns_port(os.getpid(), port) is None
        listener.listen()
        found = owns_port(os.getpid(), port)
        assert found is not None
        assert (found.address, found.port, found.pids) == (address, port, frozenset({os.getpid()}))
        assert listeners(port) == [found]
    assert listeners(port) == []


def test_of_two_listeners_the_one_over_ipv4_is_named() -> None:
    with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
        four.bind(("127.0.0.1", 0))
        port = four.getsockname()[1]
        six.bind(("::1", port))
        six.listen()
        four.listen()
        found = owns_port(os.getpid(), port)
        assert found is not None and found.address == "127.0.0.1"


def test_a_port_of_a_descendant_counts_as_the_processs_own(port: int) -> None:
    with process(*SERVE, str(port), "child") as parent, process(sys.executable, "-c", "input()"):
        child = answer(port)["pid"]
        assert child != parent.pid
        assert ports_of(parent.pid) == [port]
        assert owns_port(parent.pid, port) is not None
        assert owns_port(parent.pid, port + 1) is None
        assert group(parent.pid) == {parent.pid, child} == tree(parent.pid)


OF_ANOTHER = pytest.param(
    False,
    id="another account",
    marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts"),
)


@pytest.mark.parametrize("own", [pytest.param(True, id="own account"), OF_ANOTHER])
def test_what_has_a_containers_mark_counts_as_in_it_if_it_is_of_the_same_account(
    tmp_path: Path, port: int, own: bool
) -> None:
    podman = tmp_path / "podman"
    podman.symlink_to("/bin/sleep")
    account = () if own else ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    mark = {"MCP_FLEET_SLOT": "time/blue", "MCP_FLEET_SLOTS": "/fleet/slots"}
    with (
        process(str(podman), "60", **mark) as tool,
        process(*account, "/usr/bin/python3", "-c", LISTEN, str(port), **mark) as listening,
    ):
        wait_for(lambda: bool(listeners(port)), "it listens")
        assert (owns_port(tool.pid, port) is not None) is own
        assert listeners(port)[0].pids == {listening.pid}


def test_in_a_unit_the_cgroup_says_what_is_in_a_container_and_no_mark_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A /proc of its own stands in: no test can be a unit of systemd's."""
    proc, unit = tmp_path, "/system.slice/mcp-time-blue.service"
    mark = b"MCP_FLEET_SLOT=time/blue\0MCP_FLEET_SLOTS=/fleet/slots\0"
    for pid, name, cgroup in (
        (10, "podman", unit), (11, "server", f"{unit}/container"), (12, "forged", "/user.slice"),
        (13, "other", "/system.slice/mcp-time-green.service"),
    ):  # fmt: skip
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S 1 {pid} {pid} " + "0 " * 15 + "100 0\n")
        (proc / str(pid) / "comm").write_text(f"{name}\n")
        (proc / str(pid) / "environ").write_bytes(mark)
        (proc / str(pid) / "cgroup").write_text(f"0::{cgroup}\n")
        (proc / str(pid) / "fd" / "3").symlink_to(f"socket:[{pid}]")
    (proc / "net").mkdir()
    rows = "".join(f"0: 0100007F:00{pid} 00000000:0000 0A 0 0 0 0 0 {pid}\n" for pid in (11, 12, 13))
    (proc / "net" / "tcp").write_text(f"header\n{rows}")
    monkeypatch.setattr(process_module, "_PROC", proc)
    assert ports_of(10) == [0x11]


def test_a_child_in_a_session_of_its_own_belongs_to_the_tree_but_not_to_the_group(port: int) -> None:
    with process(*SERVE, str(port), "stray") as parent:
        stray = answer(port)["pid"]
        assert tree(parent.pid) == {parent.pid, stray}
        assert group(parent.pid) == {parent.pid}


def test_a_process_that_ended_is_nobody() -> None:
    with process(sys.executable, "-c", "") as ended:
        before = identity(ended.pid)
        wait_for(lambda: identity(ended.pid) is None, "it ends")  # it is a zombie until it is waited for
        assert before is None or not alive(before)
        ended.wait()
        assert tree(ended.pid) == set()


def test_a_pid_with_another_start_is_another_process() -> None:
    me = identity(os.getpid())
    assert me is not None and alive(me)
    assert not alive(Identity(me.pid, me.ticks + 1))


def test_of_a_tree_with_the_mark_only_the_first_counts_as_launched(port: int) -> None:
    root = Path("/fleet/slots")
    with process(*SERVE, str(port), "stray", MCP_FLEET_SLOT="time/blue", MCP_FLEET_SLOTS=str(root)) as parent:
        stray = answer(port)["pid"]
        found = [(each.identity.pid, each.server, each.slot) for each in launched(root)]
        assert found == [(parent.pid, "time", "blue")]
        assert {each.pid for each in marked(root, "time", "blue")} == {parent.pid, stray}
        assert marked(root, "time", "green") == marked(Path("/fleet"), "time", "blue") == set()
        parent.kill()
        parent.wait()
        assert [each.identity.pid for each in launched(root, "time")] == [stray]
