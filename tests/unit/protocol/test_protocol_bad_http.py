# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad peers over HTTP: each gets a clear verdict in time, and costs neither memory nor a secret."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import EraProbe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import HttpTarget
from tests.unit.protocol.guard import returns
from tests.unit.protocol.http_peers import Behaviour, Exchange, HttpPeer, serving
from tests.unit.protocol.servers import Server, error

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EVENTS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
PIECE = b"x" * 65536
TOO_LONG = "longer than 16777216 bytes"


def opened(behaviour: Behaviour, timeout: float = 5.0, era: str = "legacy") -> EraProbe:
    """What a probe of a peer gives in one era."""
    with HttpPeer(behaviour) as peer:
        report = returns(lambda: probe(HttpTarget(peer.url), timeout=timeout, eras=[era]), timeout)
        found: EraProbe = getattr(report, era)
        return found


def raw(data: bytes, then: str = "close") -> Behaviour:
    """A peer that answers with these bytes and closes, or hangs."""

    def behave(exchange: Exchange) -> Any:
        exchange.send(data)
        return exchange.hang() if then == "hang" else "close"

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    """A peer whose answer never ends."""

    def behave(exchange: Exchange) -> None:
        exchange.send(head)
        while True:
            exchange.send(piece)

    return behave


def result(number: object) -> bytes:
    """A reply with an id."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": {}}).encode()


@pytest.mark.parametrize(
    "behaviour, words",
    [
        (raw(b""), "closed without an answer"),
        (raw(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "no HTTP answer, but SSH-2.0-OpenSSH_9.2p1"),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), "no HTTP answer"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200), "cannot be read"),
        (raw(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000), "cannot be read"),
        (raw(JSON_HEAD + b'Content-Length: 100\r\n\r\n{"jsonrpc"'), "broke off 90 bytes before its end"),
        (raw(JSON_HEAD + b'Transfer-Encoding: chunked\r\n\r\n64\r\n{"json'), "broke off"),
        (raw(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off"),
        (raw(JSON_HEAD + b"\r\n"), "no JSON"),
        (raw(JSON_HEAD + b"\r\n\xff\xfe"), "not UTF-8"),
        (raw(JSON_HEAD + b"\r\n" + b"[" * 100_000), "nested too deep"),
        (raw(JSON_HEAD + b"\r\n" + b"[" * 5_000 + b"]" * 5_000), "nested too deep"),
        (raw(JSON_HEAD + b"\r\n" + b"[" + b"[]," * 1_000_000 + b"[]]"), "more than 500000 values"),
        (raw(JSON_HEAD + b"\r\n" + b"1" * 10_000), "out of range"),
        (raw(JSON_HEAD + b"\r\nNaN"), "NaN is no JSON"),
        (raw(JSON_HEAD + b'\r\n"\\ud800"'), "not Unicode"),
        (raw(JSON_HEAD + b"\r\n{}"), "no JSON-RPC reply"),
        (raw(JSON_HEAD + b"\r\n" + result(2)), "id 2 where 1 was asked"),
        (raw(JSON_HEAD + b"\r\n" + result("1")), "id '1' where 1 was asked"),
        (raw(JSON_HEAD + b"\r\n" + result(True)), "id True where 1 was asked"),
        (raw(JSON_HEAD + b"\r\n" + result(None)), "id None where 1 was asked"),
        (raw(EVENTS_HEAD + b"\r\n"), "an event stream that ended without the reply"),
        (raw(EVENTS_HEAD + b"\r\ndata: {\n\n"), "with an event that is no JSON"),
        (raw(EVENTS_HEAD + b"\r\ndata: " + result(1) + b"\n"), "ended without the reply"),
        (raw(EVENTS_HEAD + b"\r\ndata: " + result(9) + b"\n\n"), "id 9 where 1 was asked"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "no content type where JSON"),
        (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "HTTP 204 without a reply"),
        (raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "HTTP 103"),
        (endless(JSON_HEAD + b'\r\n{"', PIECE), TOO_LONG),
        (
            endless(JSON_HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", PIECE),
            "longer than 16777216 bytes",
        ),
        (endless(EVENTS_HEAD + b"\r\ndata: ", PIECE), TOO_LONG),
        (endless(EVENTS_HEAD + b"\r\n", b": comment\n" * 6000), TOO_LONG),
        (endless(EVENTS_HEAD + b"\r\n", b"data: {}\n\n" * 200), "more than 10000 events before the reply"),
    ],
)
def test_a_bad_answer_gets_a_clear_verdict(behaviour: Behaviour, words: str) -> None:
    found = opened(behaviour, 30)
    assert found.outcome == "inconclusive"
    assert words in found.detail


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_peer_that_hangs_is_left_in_time(era: str) -> None:
    found = opened(lambda exchange: exchange.hang(), 0.5, era)
    assert (found.outcome, found.detail) == ("inconclusive", "out of time while waiting for an answer")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: xxxxxxxxxxxxxxxx\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_headers_a_byte_at_a_time_do_not_outlast_the_deadline(data: bytes) -> None:
    found = opened(lambda exchange: exchange.drip(data), 0.7)
    assert found.detail == "out of time while waiting for an answer"


@pytest.mark.parametrize("head", [JSON_HEAD, EVENTS_HEAD, JSON_HEAD + b"Content-Length: 10000\r\n"])
def test_a_body_a_byte_at_a_time_does_not_outlast_the_deadline(head: bytes) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.send(head + b"\r\n")
        exchange.drip(b": still here\n")

    assert opened(behave, 0.7).detail == "out of time while reading the answer"


def test_a_refusal_a_byte_at_a_time_is_told_without_its_text() -> None:
    def behave(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\n\r\n")
        exchange.drip(b"waiting ")

    found = opened(behave, 5)
    assert found.outcome == "inconclusive"
    assert found.detail == "HTTP 503 Busy"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_told_and_not_followed(status: str) -> None:
    followed: list[Exchange] = []
    with HttpPeer(followed.append) as other:
        where = f"Location: {other.url.replace('//', '//user:secret@')}?token=secret"
        found = opened(lambda exchange: exchange.answer(status, "", b"", where))
    assert found.outcome == "inconclusive"
    assert f"a redirect to {other.url}, which is not followed" in found.detail
    assert "secret" not in found.detail
    assert not followed


def test_a_page_of_html_is_told_by_its_title() -> None:
    page = b"<html><head><title>Welcome to\n nginx!</title>"
    found = opened(lambda exchange: exchange.answer("200 OK", "text/html; charset=utf-8", page))
    assert found.outcome == "inconclusive"
    assert found.detail == "HTTP 200 with text/html where JSON or an event stream belongs: Welcome to nginx!"


def test_a_compressed_answer_is_refused() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    found = opened(
        lambda exchange: exchange.answer("200 OK", "application/json", bomb, "Content-Encoding: gzip")
    )
    assert found.detail == "an answer encoded as gzip, unasked"


def test_no_character_of_a_peer_acts_on_the_terminal() -> None:
    reply = {"jsonrpc": "2.0", "id": 1, **error(-1, "\x1b[2J\x07red\u202e\nline")}
    assert (
        opened(lambda exchange: exchange.json(reply)).detail == "initialize was answered -1 ( [2J red line)"
    )


def test_a_reply_in_a_stream_that_stays_open_is_taken() -> None:
    server = Server(modern=False)

    def behave(exchange: Exchange) -> None:
        if exchange.verb == "DELETE":
            return exchange.answer("405 No")
        reply = server.reply(exchange.message)
        if reply is None:
            return exchange.answer("202 Accepted")
        exchange.stream()
        exchange.event(reply)
        return exchange.hang()

    assert opened(behave).outcome == "served"


def test_a_stream_that_ends_early_is_taken_up_where_it_ended() -> None:
    server = Server(modern=False)
    waiting: list[Any] = []

    def behave(exchange: Exchange) -> str | None:
        if exchange.verb == "GET":
            assert exchange.headers["last-event-id"] == "e1"
            exchange.stream()
            exchange.event(waiting.pop())
            return "close"
        if exchange.verb == "DELETE":
            exchange.answer("200 OK")
            return None
        reply = server.reply(exchange.message)
        if reply is None:
            exchange.answer("202 Accepted")
            return None
        waiting.append(reply)
        exchange.stream()
        exchange.send(b"id: e1\nretry: 5\ndata:\n\n")
        return "close"

    assert opened(behave).outcome == "served"


def test_a_stream_that_ends_early_for_ever_is_given_up() -> None:
    def behave(exchange: Exchange) -> str:
        exchange.stream()
        exchange.send(b"id: e1\nretry: 1\ndata:\n\n")
        return "close"

    assert "ended without the reply" in opened(behave).detail


def test_a_server_that_asks_back_in_a_stream_is_answered() -> None:
    server = Server(modern=False)
    answers = []

    def behave(exchange: Exchange) -> str | None:
        if exchange.verb == "DELETE" or "method" not in exchange.message:
            answers.extend([exchange.message] if exchange.verb == "POST" else [])
            exchange.answer("202 Accepted")
            return None
        reply = server.reply(exchange.message)
        if reply is None:
            exchange.answer("202 Accepted")
            return None
        exchange.stream()
        exchange.event({"jsonrpc": "2.0", "id": "a", "method": "ping"})
        exchange.event({"jsonrpc": "2.0", "id": "b", "method": "roots/list"})
        exchange.event(reply)
        return "close"

    assert opened(behave).outcome == "served"
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": {}}
    assert answers[1]["error"]["code"] == -32601


def test_pages_without_end_cost_no_memory_without_end() -> None:
    def page(cursor: str | None) -> dict[str, Any]:
        return {"tools": [], "nextCursor": f"{cursor}+", "padding": "x" * 15_000_000}

    found = opened(serving(Server(lists={"tools/list": page})), 30)
    assert found.outcome == "inconclusive"
    assert "more than 67108864 bytes of answers" in found.detail


def test_a_server_that_opens_a_session_with_each_answer_is_given_up() -> None:
    number = iter(range(1000))
    server = Server(lists={"tools/list": lambda cursor: {"tools": [], "nextCursor": f"{next(number)}"}})

    def behave(exchange: Exchange) -> Any:
        return serving(server, session=f"s{next(number)}")(exchange)

    assert "more than 5 sessions" in opened(behave).detail
