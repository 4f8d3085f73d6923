# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each lost session and each cut stream is counted once, under its reason, as the server itself counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.load.counts import Counts, Tally
from tests.load.failures import Failed
from tests.load.messages import LEGACY_VERSION, open_stream
from tests.load.options import LEGACY, MODERN, Options, Target
from tests.load.pace import Pace
from tests.load.run import Run
from tests.load.streams import EventStream
from tests.unit.load.faulty import FaultyServer, Plan, Seen, each, first
from tests.unit.load.test_load_requests import OPERATIONS, balanced, put_load


@pytest.mark.parametrize("streams", [0, 3])
def test_a_session_that_the_server_forgot_is_lost_once_and_followed_by_another(streams: int) -> None:
    server = FaultyServer(each(9, "forget", *OPERATIONS))
    report = put_load(server, eras=(LEGACY,), streams=streams, stream_seconds=0.05)
    assert balanced(report)
    lost = len(server.refused)
    assert lost > 3
    assert report["sessions"]["lost"] == lost
    assert report["sessions"]["lost_reasons"] == {"http 404": lost}
    assert report["sessions"]["opened"] == server.opened
    assert report["sessions"]["ended"] == server.ended == server.seen["DELETE"]
    assert set(report["failures"]) == {"http 404"}
    assert report["requests"] == server.requests


def test_a_400_that_speaks_of_the_session_is_a_lost_session_too() -> None:
    server = FaultyServer(each(9, "400 session", *OPERATIONS))
    report = put_load(server, eras=(LEGACY,))
    assert balanced(report)
    assert (
        report["failures"] == report["sessions"]["lost_reasons"] == {"http 400": server.done["400 session"]}
    )
    assert report["sessions"]["opened"] == server.opened


def test_a_session_that_is_unknown_when_it_is_to_end_is_lost() -> None:
    server = FaultyServer(each(2, "forget", "DELETE"))
    report = put_load(server, eras=(LEGACY,), session_seconds=0.05)
    assert balanced(report)
    assert report["sessions"]["lost"] == len(server.refused) == server.done["forget"] > 0
    assert report["sessions"]["ended"] == server.ended


def test_a_session_with_another_state_is_lost_though_every_request_was_answered() -> None:
    server = FaultyServer(each(10, "forget the state", "tools/call"))
    report = put_load(server, eras=(LEGACY,), stateful=True)
    assert balanced(report)
    assert report["failed"] == 0
    # The state that is forgotten with the request to remember something else is not missed.
    assert 0 < report["sessions"]["lost"] <= server.done["forget the state"]
    assert report["sessions"]["lost_reasons"] == {"state lost": report["sessions"]["lost"]}
    assert report["sessions"]["opened"] == server.opened == server.ended


def test_a_session_that_is_lost_in_two_ways_is_lost_once() -> None:
    def plan(seen: Seen) -> str | None:
        if seen.kind == "DELETE":
            return "forget"
        return "forget the state" if seen.kind == "tools/call" and seen.number % 10 == 0 else None

    server = FaultyServer(plan)
    report = put_load(server, eras=(LEGACY,), stateful=True)
    assert balanced(report)
    assert report["failures"] == {"http 404": server.done["forget"]}
    assert report["sessions"]["lost"] == server.opened == len(server.refused)
    assert set(report["sessions"]["lost_reasons"]) == {"state lost", "http 404"}


def test_a_session_that_a_stream_found_unknown_is_lost() -> None:
    refused: list[Failed] = []

    async def run() -> Tally:
        counts = Counts()
        async with FaultyServer() as server:
            stream = EventStream(
                server.url,
                counts.scope("t", LEGACY),
                Pace(0.01),
                timeout=5,
                life=0,
                request=lambda: open_stream("g1~unknown", LEGACY_VERSION),
                refused=refused.append,
            )
            stream.start()
            while not server.refused:
                await asyncio.sleep(0.01)
            await stream.release()
        return counts.total()

    total = asyncio.run(run())
    assert [failed.session_is_unknown() for failed in refused] == [True]
    assert (total.requests, total.failures, total.open_streams) == (1, {"http 404": 1}, 0)


def test_a_session_that_keeps_its_state_is_kept() -> None:
    server = FaultyServer()
    report = put_load(server, eras=(LEGACY,), stateful=True)
    assert balanced(report)
    assert (report["failed"], report["sessions"]["lost"], server.opened) == (0, 0, 3)
    assert server.seen["tools/call"] >= server.seen["ping"] + server.seen["tools/list"]


def test_an_answer_with_another_session_id_is_a_lost_session() -> None:
    server = FaultyServer(each(20, "other session", *OPERATIONS))
    report = put_load(server, eras=(LEGACY,))
    assert balanced(report)
    assert report["failed"] == 0
    reasons = report["sessions"]["lost_reasons"]
    assert reasons == {"another session id in an answer": server.done["other session"]}
    assert server.opened == server.ended


def test_sessions_and_streams_that_have_lived_long_enough_are_ended_and_followed_by_others() -> None:
    server = FaultyServer()
    report = put_load(server, streams=3, session_seconds=0.1, stream_seconds=0.05, duration=1.6)
    assert balanced(report)
    assert report["failed"] == 0
    assert report["sessions"]["opened"] == server.opened == server.ended > 6
    assert report["streams"]["opened"] == server.stream_connections > 6
    assert report["streams"]["cut"] == 0


def test_a_server_without_sessions_and_streams_is_no_fault() -> None:
    def plan_of(server: FaultyServer) -> Plan:
        return lambda seen: {"GET": "405", "subscriptions/listen": "404 method"}.get(seen.kind)

    server = FaultyServer()
    server.plan = plan_of(server)
    server.sessionless = True
    report = put_load(server, streams=2)
    assert balanced(report)
    assert report["failed"] == 0
    assert (report["sessions"]["opened"], report["sessions"]["not_offered"]) == (0, 3)
    assert (report["streams"]["opened"], report["streams"]["not_offered"]) == (0, 4)
    assert server.seen["DELETE"] == 0
    assert server.done.total() == 4


def test_a_server_that_ends_its_sessions_itself_is_no_fault() -> None:
    server = FaultyServer(each(1, "405", "DELETE"))
    report = put_load(server, eras=(LEGACY,))
    assert balanced(report)
    assert (report["failed"], report["sessions"]["ended"]) == (0, 3)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("stream ends", "ended by the server"),
        ("stream breaks", "disconnected"),
        ("stream reset", "disconnected"),
    ],
)
@pytest.mark.parametrize(("era", "kind"), [(LEGACY, "GET"), (MODERN, "subscriptions/listen")])
def test_a_stream_that_the_client_did_not_close_is_cut_once(
    era: str, kind: str, fault: str, reason: str
) -> None:
    server = FaultyServer(first(6, each(2, fault, kind)))
    report = put_load(server, eras=(era,), streams=3, stream_seconds=0.2, duration=1.0)
    assert balanced(report)
    assert report["failed"] == 0
    assert report["streams"]["cut_reasons"] == {reason: server.done[fault]}
    assert server.done[fault] > 0
    assert report["streams"]["opened"] == server.stream_connections
    assert report["sessions"]["lost"] == 0
    assert any("stream cut" in failure["what"] for failure in report["first_failures"])


def test_a_listen_stream_that_the_server_ends_in_good_order_is_cut_too() -> None:
    fault = "stream ends with a result"
    server = FaultyServer(first(6, each(2, fault, "subscriptions/listen")))
    report = put_load(server, eras=(MODERN,), streams=3, stream_seconds=0.2, duration=1.0)
    assert balanced(report)
    assert report["streams"]["cut_reasons"] == {"ended by the server with a result": server.done[fault]}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("503", "http 503"),
        ("html", "bad answer: text/html in place of an event stream"),
        ("silence", "timeout"),
    ],
)
@pytest.mark.parametrize(("era", "kind"), [(LEGACY, "GET"), (MODERN, "subscriptions/listen")])
def test_a_stream_that_cannot_be_opened_is_a_failed_request_and_not_a_cut_stream(
    era: str, kind: str, fault: str, reason: str
) -> None:
    server = FaultyServer(each(2, fault, kind))
    report = put_load(
        server,
        eras=(era,),
        streams=2,
        stream_seconds=0.1,
        duration=1.0,
        timeout=0.3 if fault == "silence" else 5,
    )
    assert balanced(report)
    assert report["failures"] == {reason: server.done[fault]}
    assert server.done[fault] > 0
    assert report["streams"]["cut"] == 0
    assert report["streams"]["opened"] == server.stream_connections


def test_streams_are_closed_by_the_client_before_it_ends_its_session() -> None:
    order: list[str] = []

    async def run() -> dict[str, Any]:
        async with FaultyServer() as server:

            def plan(seen: Any) -> None:
                if seen.kind == "DELETE":
                    order.append(f"{len(server.streams)} open at DELETE")

            server.plan = plan
            options = Options(
                (Target("t", server.url, (LEGACY,)),), legacy=1, streams=1, think=0.02, duration=0.4
            )
            return await Run(options).run()

    report = asyncio.run(run())
    assert balanced(report)
    assert report["streams"]["opened"] == report["streams"]["closed"] == 1
    assert order == ["0 open at DELETE"]
