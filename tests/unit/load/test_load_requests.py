# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each failed request is counted once, under its reason, as the server itself counted what it did."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.load.options import LEGACY, MODERN, Options, Target, ToolCall
from tests.load.run import Run
from tests.load.wire import FirstAddress
from tests.unit.load.faulty import FaultyServer, Seen, each

OPERATIONS = ("ping", "tools/list", "server/discover")
BOTH = (LEGACY, MODERN)


def put_load(server: FaultyServer, eras: tuple[str, ...] = BOTH, **settings: Any) -> dict[str, Any]:
    """Run a load against a server; its report."""
    target = Target("t", "", eras, settings.pop("calls", ()), settings.pop("stateful", False))
    settings = {"legacy": 3, "modern": 3, "think": 0.002, "duration": 1.2, "timeout": 5.0, **settings}

    async def run() -> dict[str, Any]:
        async with server:
            options = Options(targets=(Target(**{**vars(target), "url": server.url}),), **settings)
            return await Run(options).run()

    return asyncio.run(run())


def balanced(report: dict[str, Any]) -> bool:
    """Whether all that was opened has come to one end."""
    sessions, streams = report["sessions"], report["streams"]
    return bool(
        sessions["opened"] == sessions["ended"] + sessions["lost"] + sessions["abandoned"]
        and streams["opened"] == streams["closed"] + streams["cut"]
        and report["in_flight"] == 0
        and not report["faults"]
        and report["state"] == "finished"
    )


def test_of_a_good_server_nothing_is_failed_and_both_sides_count_the_same() -> None:
    server = FaultyServer()
    report = put_load(server, streams=2, calls=(ToolCall("echo", {"text": "hi"}),))
    assert balanced(report)
    assert (report["failed"], report["failures"], report["first_failures"]) == (0, {}, [])
    assert report["requests"] == server.requests > 50
    assert report["sessions"]["opened"] == report["sessions"]["ended"] == server.opened == server.ended == 3
    assert report["streams"]["opened"] == report["streams"]["closed"] == server.stream_connections == 4
    assert report["connections"] == {"opened": 6, "reopened": 0}
    assert server.connections == 10
    assert sum(row["requests"] for row in report["timeline"]) == report["requests"]
    assert sum(row["count"] for row in report["latency_histogram"]) == report["requests"]
    assert {*server.seen} >= {
        *OPERATIONS,
        "tools/call",
        "initialize",
        "DELETE",
        "GET",
        "subscriptions/listen",
    }


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("drop", "disconnected"),
        ("reset", "disconnected"),
        ("half", "answer cut"),
        ("half, reset", "answer cut"),
        ("half the events", "answer cut"),
        ("silence", "timeout"),
        ("garbage", "bad answer: not HTTP"),
        ("503", "http 503"),
        ("400", "http 400"),
        ("404 method", "http 404"),
        ("redirect", "http 307"),
        ("html", "bad answer: text/html"),
        ("not json", "bad answer: not JSON"),
        ("not json-rpc", "bad answer: not JSON-RPC"),
        ("another id", "bad answer: another id"),
        ("rpc error", "jsonrpc -32603"),
    ],
)
def test_a_request_that_gets_no_good_answer_is_counted_once_and_costs_no_session(
    fault: str, reason: str
) -> None:
    server = FaultyServer(each(7, fault, *OPERATIONS))
    report = put_load(server, timeout=0.3 if fault == "silence" else 5.0)
    assert balanced(report)
    assert report["failures"] == {reason: server.done[fault]}
    assert server.done[fault] > 3
    assert report["requests"] == server.requests
    assert report["sessions"]["lost"] == 0
    assert report["sessions"]["opened"] == server.opened == 3
    shown = [failure["what"] for failure in report["first_failures"]]
    assert 1 <= len(shown) <= 5
    assert all(reason in what for what in shown)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ("no tools", "tools/list", "bad answer: tools/list without tools"),
        ("no tools", "server/discover", "bad answer: server/discover without supportedVersions"),
        ("no tools", "tools/call", "bad answer: tools/call without content"),
        ("tool error", "tools/call", "tool error"),
        ("503", "notifications/initialized", "http 503"),
    ],
)
def test_an_answer_that_is_not_what_the_method_promises_is_a_failed_request(
    fault: str, kind: str, reason: str
) -> None:
    server = FaultyServer(each(2, fault, kind))
    report = put_load(server, calls=(ToolCall("echo", {}),), session_seconds=0.05)
    assert balanced(report)
    assert report["failures"] == {reason: server.done[fault]}
    assert server.done[fault] > 0
    assert report["requests"] == server.requests


def test_an_answer_in_an_event_stream_behind_notifications_and_priming_events_is_a_good_one() -> None:
    server = FaultyServer(each(1, "as events", *OPERATIONS))
    report = put_load(server)
    assert balanced(report)
    assert report["failed"] == 0
    assert server.done["as events"] > 50
    assert report["connections"]["reopened"] == 0


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_each_connection_that_is_dropped_unread_is_one_failed_request(how: str) -> None:
    server = FaultyServer(drop_connection=lambda number: how if number % 10 == 0 else None)
    server.close_each = True
    report = put_load(server)
    assert balanced(report)
    assert report["failures"] == {"disconnected": server.dropped}
    assert server.dropped > 3
    assert report["requests"] == server.requests
    opened = report["connections"]["opened"] + report["connections"]["reopened"]
    assert opened == server.connections


def test_several_faults_at_once_are_each_counted_under_their_own_reason() -> None:
    def plan(seen: Seen) -> str | None:
        faults = {3: "503", 5: "drop", 7: "half", 11: "html"}
        return faults.get(seen.number % 13) if seen.kind in OPERATIONS else None

    server = FaultyServer(plan)
    report = put_load(server)
    assert balanced(report)
    assert report["failures"] == {
        "http 503": server.done["503"],
        "disconnected": server.done["drop"],
        "answer cut": server.done["half"],
        "bad answer: text/html": server.done["html"],
    }
    assert report["requests"] == server.requests
    for counted in (report["by_target"]["t"], report["timeline"]):
        rows = counted if isinstance(counted, list) else [counted]
        assert sum(row["failed"] for row in rows) == server.done.total()
    by_era = report["by_target"]["t"]["by_era"]
    assert by_era["legacy"]["failed"] + by_era["modern"]["failed"] == server.done.total()


@pytest.mark.parametrize("fault", ["drop", "reset"])
@pytest.mark.parametrize("kind", ["DELETE", "GET", "subscriptions/listen", "initialize"])
def test_a_request_that_http_clients_like_to_repeat_is_sent_once_and_counted_once(
    kind: str, fault: str
) -> None:
    server = FaultyServer(each(2, fault, kind))
    report = put_load(server, streams=3, session_seconds=0.05, stream_seconds=0.03)
    assert balanced(report)
    assert report["failures"] == {"disconnected": server.done[fault]}
    assert server.done[fault] > 0
    assert report["requests"] == server.requests
    assert report["sessions"]["opened"] == server.opened
    assert report["sessions"]["ended"] == server.ended
    if kind == "DELETE":
        assert report["sessions"]["abandoned"] == server.done[fault]


def test_an_idle_connection_that_the_server_closes_is_opened_again_and_that_is_counted_apart() -> None:
    server = FaultyServer(each(5, "close unsaid", *OPERATIONS))
    report = put_load(server, think=0.02)
    assert balanced(report)
    opened = report["connections"]["opened"] + report["connections"]["reopened"]
    assert opened + report["failures"].get("disconnected", 0) >= server.connections
    assert report["connections"]["opened"] == 6
    assert report["connections"]["reopened"] > 0
    assert report["requests"] - report["failed"] == server.requests


def test_a_connection_that_is_closed_just_as_a_request_arrives_is_one_failed_request() -> None:
    crossed = 0

    async def serve(listener: socket.socket) -> None:
        nonlocal crossed
        loop = asyncio.get_running_loop()
        while True:
            peer, _address = await loop.sock_accept(listener)
            peer.setblocking(False)
            await loop.sock_recv(peer, 65536)
            body = b'{"jsonrpc": "2.0", "id": 1, "result": {"supportedVersions": ["2026-07-28"]}}'
            body = body.replace(b'"id": 1', b'"id": %d' % (2 * crossed + 1))
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
                body
            )
            await loop.sock_sendall(peer, head + body)
            arrived = asyncio.Event()
            loop.add_reader(peer, arrived.set)
            await arrived.wait()
            loop.remove_reader(peer)
            crossed += len(peer.recv(1, socket.MSG_PEEK))
            peer.close()

    async def run() -> dict[str, Any]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            serving = asyncio.create_task(serve(listener))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
            options = Options((Target("t", url, (MODERN,)),), modern=1, think=0.01, duration=0.5)
            report = await Run(options).run()
            serving.cancel()
            return report

    report = asyncio.run(run())
    assert crossed > 5
    assert report["failures"] == {"disconnected": crossed}
    assert report["requests"] in (2 * crossed, 2 * crossed + 1)


def test_a_port_where_nobody_listens_is_a_refused_connection_and_time_without_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = Options((Target("t", f"http://127.0.0.1:{port}/mcp", BOTH),), legacy=1, modern=1, duration=0.3)
    report = asyncio.run(Run(options).run())
    assert report["failures"] == {"connection refused": report["requests"]}
    assert report["requests"] > 1
    assert report["by_target"]["t"]["without_service_s"] > 0.1
    assert report["latency_ms"]["p50"] is None


class Addresses(AbstractResolver):
    """A name service that knows these addresses for every name."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All of them."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held open."""


@pytest.mark.parametrize(
    ("known", "tried"),
    [(["127.0.0.2", "127.0.0.1"], "127.0.0.2"), (["::1", "127.0.0.1"], "127.0.0.1"), (["::1"], "::1")],
)
def test_of_a_host_name_with_several_addresses_one_is_tried(known: list[str], tried: str) -> None:
    async def run() -> list[ResolveResult]:
        return await FirstAddress(Addresses(*known)).resolve("edge", 80)

    assert [address["host"] for address in asyncio.run(run())] == [tried]


def test_a_request_under_way_at_the_end_is_finished_and_good() -> None:
    asked = asyncio.Event()

    async def run() -> tuple[dict[str, Any], FaultyServer]:
        def plan(seen: Seen) -> str | None:
            if seen.kind == "tools/list":
                asked.set()
            return "as events"

        async with FaultyServer(plan) as server:
            load = Run(Options((Target("t", server.url, BOTH),), legacy=2, modern=2, streams=2, think=0.01))
            running = asyncio.create_task(load.run())
            await asked.wait()
            load.stop()
            return await running, server

    report, server = asyncio.run(run())
    assert balanced(report)
    assert report["failed"] == 0
    assert report["requests"] == server.requests
    assert server.opened == server.ended


def test_what_is_under_way_when_the_load_is_aborted_has_failed() -> None:
    async def run() -> dict[str, Any]:
        async with FaultyServer(lambda seen: "silence") as server:
            load = Run(Options((Target("t", server.url, (MODERN,)),), modern=3, think=0.0))
            running = asyncio.create_task(load.run())
            while server.done["silence"] < 3:
                await asyncio.sleep(0.01)
            load.stop_or_abort()
            load.stop_or_abort()
            return await running

    report = asyncio.run(run())
    assert report["state"] == "aborted"
    assert report["failures"] == {"aborted": 3}
