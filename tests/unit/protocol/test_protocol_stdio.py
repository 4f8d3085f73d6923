# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of stdio servers: each peer gets its verdict, and nothing of it stays behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import ping, probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import EraProbe, ProbeReport
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import StdioTarget, ToolCall
from tests.unit.protocol.guard import returns

ROOT = Path(__file__).parents[3]
ENOUGH = 8.0


def peer(name: str, **environment: str) -> StdioTarget:
    """A peer of stdio_peers as a target."""
    argv = (sys.executable, "-m", "tests.unit.protocol.stdio_peers", name)
    return StdioTarget(argv, {"PATH": os.environ["PATH"], **environment}, str(ROOT))


def probed(name: str, timeout: float = ENOUGH, *calls: ToolCall) -> ProbeReport:
    """What a probe of a peer gives."""
    return returns(lambda: probe(peer(name), timeout=timeout, calls=calls), timeout)


def pinged(name: str, timeout: float = ENOUGH, era: str = "legacy") -> EraProbe:
    """What a ping of a peer gives."""
    return returns(lambda: ping(peer(name), timeout=timeout, era=era), timeout)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "name, era",
    [
        ("dual", "dual"),
        ("modern", "modern"),
        ("legacy", "legacy"),
        ("banner", "dual"),
        ("notices", "dual"),
        ("asks", "dual"),
        ("floods_stderr", "dual"),
        ("exits_on_modern", "legacy"),
        ("silent_on_modern", "legacy"),
        ("nameless_error", "legacy"),
    ],
)
def test_the_era_of_a_server_is_found_whatever_its_manners(name: str, era: str) -> None:
    report = probed(name)
    assert report.era == era, report.describe()
    assert report.conclusive
    assert [tool["name"] for tool in report.best.tools] == ["echo"]


def test_lines_that_are_no_json_rpc_are_tolerated_and_counted() -> None:
    assert "5 lines that are no JSON-RPC on stdout" in probed("banner").modern.detail


def test_calls_are_made_in_every_era_that_is_served() -> None:
    report = probed("dual", ENOUGH, ToolCall("echo", {"a": 1}))
    for era in (report.modern, report.legacy):
        [call] = era.calls
        assert call.error is None
        assert call.result is not None
        assert call.result["content"][0]["text"] == '{"a": 1}'


@pytest.mark.parametrize(
    "name, words",
    [
        ("exits", ["exited with code 3", "line one | the key is not set"]),
        ("killed", ["ended by SIGKILL"]),
        ("closes_stdout", ["closed its stdout"]),
        ("half_frame", ["exited with code 7", "in the middle of a message (33 bytes", "out of luck"]),
        ("wrong_id", ["id '1' where 1 was asked"]),
        ("garbage", ["full of what is no JSON-RPC", "tick"]),
        ("blank", ["more than 10000 lines before the reply"]),
        ("endless_garbage", ["a line of more than"]),
        ("endless_message", ["a line of more than"]),
        ("endless_notices", ["bytes on stdout"]),
        ("leaves_child", ["exited with code 0"]),
    ],
)
def test_a_bad_peer_gets_a_clear_verdict_and_no_era(name: str, words: list[str]) -> None:
    report = probed(name)
    assert report.era is None
    assert {report.modern.outcome, report.legacy.outcome} == {"inconclusive"}
    for word in words:
        assert word in report.legacy.detail


def test_a_peer_that_says_nothing_is_inconclusive() -> None:
    for name in ("mute", "deaf"):
        found = pinged(name, 0.5)
        assert found.outcome == "inconclusive"
        assert "no reply to initialize in time" in found.detail


def test_a_program_that_is_not_there_is_inconclusive() -> None:
    report = returns(lambda: probe(StdioTarget(("/no/such/program",), {}), timeout=1), 1)
    assert report.legacy.outcome == "inconclusive"
    assert "/no/such/program could not be started: No such file or directory" in report.legacy.detail


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    target = StdioTarget((sys.executable,), {}, missing)
    found = returns(lambda: ping(target, timeout=1, era="modern"), 1)
    assert found.detail == f"{sys.executable} could not be started in {missing}: No such file or directory"


def test_a_peer_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    returns(lambda: ping(peer("says_pid", PIDS=str(pids)), timeout=1, era="legacy"), 1)
    assert [alive(int(pid)) for pid in pids.read_text().split()] == [False]


def test_a_server_may_tidy_up_before_it_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "note"
    target = peer("tidies_up", NOTE=str(note))
    returns(lambda: ping(target, timeout=ENOUGH, era="modern"), ENOUGH)
    assert note.read_text() == "tidy"


def test_a_server_that_does_not_go_is_served_all_the_same() -> None:
    assert pinged("stubborn").outcome == "served"


def test_all_that_a_server_started_ends_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    found = returns(lambda: ping(peer("keeps_child", PIDS=str(pids)), timeout=ENOUGH, era="modern"), ENOUGH)
    assert found.outcome == "served"
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 3
    for _attempt in range(100):
        if not any(alive(pid) for pid in started):
            return
        time.sleep(0.02)
    pytest.fail("a process was left")


def test_a_call_that_is_not_read_ends_in_time_with_an_error() -> None:
    report = returns(
        lambda: probe(
            peer("no_stdin_for_long"),
            timeout=2,
            calls=[ToolCall("echo", {"text": "x" * 2_000_000})],
            eras=["modern"],
        ),
        2,
    )
    [call] = report.modern.calls
    assert call.result is None
    assert call.error == "no reply to tools/call in time, which it has not read"


def test_what_the_environment_holds_is_never_shown() -> None:
    target = peer("tells_secret", API_TOKEN="hunter2-hunter2")
    report = returns(lambda: probe(target, timeout=ENOUGH), ENOUGH)
    shown = f"{report!r} {report.describe()} {target!r}"
    assert "hunter2" not in shown
    assert "bad ${API_TOKEN}" in report.legacy.detail


def test_a_ping_reads_no_lists() -> None:
    for era in ("modern", "legacy"):
        found = pinged("dual", era=era)
        assert found.outcome == "served"
        assert found.tools == ()
