# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the load client decides without a server: options, events, latencies, gaps in the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.counts import Counts, Service
from tests.load.events import EVENT_LIMIT, Event, EventReader
from tests.load.failures import Failed
from tests.load.latency import Latencies
from tests.load.options import LEGACY, MODERN, Options, Target, ToolCall, parse

URL = "http://127.0.0.1:8080/mcp"


def test_options_come_back_from_their_own_command_line() -> None:
    options = Options(
        targets=(
            Target("time", URL, (LEGACY, MODERN), (ToolCall("echo", {"text": "a: b"}),)),
            Target("state", "https://[::1]:8443/state", (LEGACY,), stateful=True, streaming=False),
        ),
        legacy=5,
        modern=6,
        streams=2,
        think=0.25,
        session_seconds=3.0,
        stream_seconds=4.0,
        duration=5.0,
        timeout=6.0,
        report=Path("report.json"),
        progress=True,
        sdk_clients=1,
        sdk_python=Path("/usr/bin/python3"),
        end_with_stdin=True,
    )
    assert parse(options.argv()) == options


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (f"--target {URL}:legacy --legacy 1", "not NAME=URL:ERA"),
        ("--target t=127.0.0.1:80:legacy --legacy 1", "not NAME=URL:ERA"),
        (f"--target t={URL}:stone --legacy 1", "the era 'stone'"),
        (f"--target t={URL}:legacy --target t={URL}:legacy --legacy 1", "two targets have the name 't'"),
        (f"--target t={URL}:legacy", "there is no client"),
        (f"--target t={URL}:legacy --modern 3", "there is no client"),
        (f"--target t={URL}:legacy --legacy 1 --streams 2", "more than --legacy 1"),
        (f"--target t={URL}:legacy --legacy 1 --call u:echo:{{}}", "there is no target 'u'"),
        (f"--target t={URL}:legacy --legacy 1 --call t:echo:x", "are not JSON"),
        (f"--target t={URL}:legacy --legacy 1 --call t:echo:[]", "not NAME:TOOL:JSON"),
        (f"--target t={URL}:modern --modern 1 --stateful t", "only legacy clients have sessions"),
        (f"--target t={URL}:legacy --legacy 1 --think -1", "not a number of seconds"),
        (f"--target t={URL}:legacy --legacy 1 --timeout 0", "must be more than 0"),
        (f"--target t={URL}:legacy --legacy x", "not a whole number"),
        (f"--target t={URL}:legacy --sdk-clients 1", "needs --sdk-python"),
    ],
)
def test_a_wrong_command_line_is_refused_with_the_reason(
    argv: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(argv.split())
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_events_are_the_same_however_their_bytes_arrive(size: int, end: bytes) -> None:
    lines = [
        b": ping",
        b"",
        b"event: message",
        b"data: {",
        b"data:  }",
        b"",
        b"id: 1",
        b"data:",
        b"",
        b"data: cut",
    ]
    text = end.join(lines) + end
    reader = EventReader()
    events = [event for at in range(0, len(text), size) for event in reader.feed(text[at : at + size])]
    assert events == [Event("message", "{\n }"), Event("message", "")]


def test_an_event_without_end_is_given_up() -> None:
    reader = EventReader()
    with pytest.raises(Failed, match="an event without end"):
        for _time in range(EVENT_LIMIT // 65536 + 1):
            reader.feed(b"x" * 65536)


def test_a_percentile_is_never_below_the_truth_and_at_most_a_fortieth_above() -> None:
    latencies = Latencies()
    for number in range(1, 1001):
        latencies.add(number / 10)
    for share, truth in ((0.5, 50.0), (0.9, 90.0), (0.99, 99.0)):
        value = latencies.percentile(share)
        assert value is not None and truth <= value <= truth * 1.025
    assert latencies.summary()["max"] == 100.0
    assert sum(bucket["count"] for bucket in latencies.histogram()) == 1000
    assert Latencies().summary() == {"p50": None, "p90": None, "p99": None, "max": None}


def test_a_gap_in_the_service_lasts_from_the_first_request_nobody_served_to_the_next_good_answer() -> None:
    service = Service()
    refused = Failed("connection refused")
    service.saw(1.0, 1.1, None)
    service.saw(2.0, 2.1, refused)
    service.saw(1.5, 2.5, None)  # was sent before the gap and says nothing about its end
    service.saw(3.0, 3.1, Failed("http 404", status=404))
    assert service.seconds_without(4.0) == pytest.approx(2.0)
    service.saw(4.9, 5.0, None)
    service.saw(6.0, 6.1, Failed("http 404", status=404))  # an answer, though not the one that was hoped for
    assert service.seconds_without(9.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("failed", "unknown"),
    [
        (Failed("http 404", "Session not found", 404), True),
        (Failed("http 404", "", 404), True),
        (Failed("http 404", "Method not found", 404, -32601), False),
        (Failed("http 400", "Bad Request: No valid session ID provided", 400), True),
        (Failed("http 400", "Parse error", 400), False),
        (Failed("http 503", "no session", 503), False),
        (Failed("timeout"), False),
    ],
)
def test_only_an_answer_about_the_session_says_that_it_is_unknown(failed: Failed, unknown: bool) -> None:
    assert failed.session_is_unknown() is unknown


def test_a_flood_of_one_failure_leaves_room_to_show_another() -> None:
    counts = Counts()
    scope = counts.scope("t", LEGACY)
    for _time in range(100):
        scope.request_ended("ping", scope.request_began(), Failed("http 503"))
    scope.stream_cut("disconnected")
    told = [failure["what"] for failure in counts.first_failures]
    assert len(told) == 6
    assert "stream cut" in told[-1]
