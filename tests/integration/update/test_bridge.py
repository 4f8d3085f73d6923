# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stdio servers behind the edge, by a bridge in their slots."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.load.control import Load
from tests.load.options import Options, Target, ToolCall
from tests.support.client import LegacySession, modern_call
from tests.support.node import Node, box, children, command_line, environment_of, version
from tests.support.waiting import wait_for

BRIDGED: dict[str, Any] = {
    "transport": "stdio",
    "serve": "http",
    "update": {"ready_timeout": 20, "healthy_threshold": 1, "bake": 0.2, "drain": 20},
}


def bridges(node: Node) -> list[int]:
    """The process ids of the node's bridges."""
    return [pid for pid in children(node.supervisor()) if b"/bridge\0" in command_line(pid)]


def test_a_session_keeps_its_process_through_an_update_and_new_clients_of_both_eras_get_the_new_one(
    node: Node,
) -> None:
    node.update("1.0.0", **BRIDGED)
    session, other = LegacySession(node.url()), LegacySession(node.url())
    session.call("remember", value="old"), other.call("remember", value="another")
    assert (session.call("recall"), other.call("recall")) == ("old", "another")
    node.update("2.0.0", phase="active", **BRIDGED)
    new = LegacySession(node.url())
    assert (version(node), new.call("whoami").split()[0]) == ("2.0.0", "2.0.0")
    assert (session.call("recall"), session.call("whoami").split()[0]) == ("old", "1.0.0")
    [old] = [
        pid for pid in bridges(node) if any(b"1.0.0" in command_line(each) for each in (pid, *children(pid)))
    ]
    own = int(session.call("whoami").split()[1])
    for each in (session, other, new):
        each.close()
    settled = node.update("2.0.0", **BRIDGED).report.drained
    assert settled is not None and settled.cut_sessions == 0
    assert not command_line(old) and not command_line(own)
    node.roll_back("2.0.0", **BRIDGED)
    assert version(node) == "1.0.0"


def test_clients_of_both_eras_notice_nothing_of_an_update_and_of_the_way_back(node: Node) -> None:
    node.update("1.0.0", **BRIDGED)
    target = Target("box", node.url(), ("legacy", "modern"), (ToolCall("whoami", {}),), stateful=True)
    options = Options(
        (target,), legacy=3, modern=3, streams=1, think=0.1, session_seconds=2, stream_seconds=2
    )
    with Load.start(options) as load:
        load.until(lambda report: report["requests"] > 50)
        node.update("2.0.0", **BRIDGED)
        node.roll_back("2.0.0", **BRIDGED)
        seen = load.report()["requests"]
        load.until(lambda report: report["requests"] > seen + 50)
        report = load.stop()
    assert report["requests"] > 100 and report["sessions"]["opened"] > 5
    assert (report["failures"], report["sessions"]["lost"], report["streams"]["cut"]) == ({}, 0, 0)


def modern_answer(node: Node) -> str:
    """What whoami answers a modern client; empty while it does not."""
    try:
        return modern_call(node.url(), "whoami")
    except (OSError, AssertionError):
        return ""


def test_a_killed_process_ends_its_session_alone_and_a_killed_bridge_comes_back(node: Node) -> None:
    node.update("1.0.0", **BRIDGED)
    broken, whole = LegacySession(node.url()), LegacySession(node.url())
    modern_process = int(modern_call(node.url(), "whoami").split()[1])
    for process in (int(broken.call("whoami").split()[1]), modern_process):
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: broken.status("whoami") == 404, "the session of the killed process is gone")
    assert whole.call("whoami").startswith("1.0.0")
    # What was asked of a process that is just ending has no answer.
    answered = wait_for(lambda: modern_answer(node), "modern clients are answered again")
    assert int(answered.split()[1]) != modern_process
    [bridge] = bridges(node)
    held = children(bridge)
    os.kill(bridge, signal.SIGKILL)
    wait_for(
        lambda: bridges(node) and whole.status("whoami") == 404, "the bridge is back, without the session"
    )
    assert not any(command_line(process) for process in held)
    assert version(node) == "1.0.0"


def test_a_release_that_is_no_good_over_stdio_is_undone_and_says_why(node: Node) -> None:
    node.update("1.0.0", **BRIDGED)
    for bad, reason in (("2.2.0", "cannot open the database"), ("2.1.0", "recall")):
        with pytest.raises(UpdateFailed, match=reason):
            node.update(bad, **BRIDGED)
        assert version(node) == "1.0.0"


def test_what_a_bridge_is_makes_the_configuration_and_credentials_reach_the_server_alone(node: Node) -> None:
    limited = {**BRIDGED, "bridge": {"sessions": 2, "session_idle": 60}}
    node.update("1.0.0", **limited)
    modern = int(modern_call(node.url(), "whoami").split()[1])
    assert environment_of(modern)["SECRET"] == "s3cr3t-value"
    assert os.readlink(f"/proc/{modern}/cwd") == str(node.root / "data" / "box")
    assert not any(b"s3cr3t" in command_line(pid) for pid in (modern, *bridges(node)))
    open_ones = [LegacySession(node.url()) for _number in range(2)]
    with pytest.raises(AssertionError):
        LegacySession(node.url())
    open_ones[0].close()
    LegacySession(node.url())
    assert not node.update("1.0.0", **limited).to_json()["changed"]
    with pytest.raises(FleetError, match="a name of its own"):
        node.update("1.0.0", transport="stdio")
    node.bridge_digest = "another bridge"
    node.write_layout()
    plan = node.converger(box(node, "1.0.0", **limited)).present("settled", apply=False).plan
    assert "staged" in plan.lines()
