# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes over HTTP: the era is found, and what is no answer is never taken for one."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import ping, probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import ProbeReport
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import HttpTarget, ToolCall
from tests.unit.protocol.guard import returns
from tests.unit.protocol.http_peers import Behaviour, Exchange, HttpPeer, serving
from tests.unit.protocol.servers import LEGACY, META, MODERN, Server, error


def probed(behaviour: Behaviour, timeout: float = 5.0, **how: Any) -> ProbeReport:
    """What a probe of a peer gives."""
    with HttpPeer(behaviour) as peer:
        return returns(lambda: probe(HttpTarget(peer.url), timeout=timeout, **how), timeout)


@pytest.mark.parametrize("as_events", [False, True])
@pytest.mark.parametrize(
    "modern, legacy, era", [(1, 1, "dual"), (1, 0, "modern"), (0, 1, "legacy"), (0, 0, None)]
)
def test_the_era_is_found(modern: int, legacy: int, era: str | None, as_events: bool) -> None:
    report = probed(serving(Server(bool(modern), bool(legacy)), as_events=as_events))
    assert report.era == era, report.describe()
    assert report.conclusive
    assert [tool["name"] for tool in report.best.tools] == ([] if era is None else ["echo"])


def test_a_report_says_what_the_server_said_of_itself() -> None:
    report = probed(serving(Server()))
    assert report.modern.protocol_version == MODERN
    assert report.legacy.protocol_version == LEGACY
    assert report.modern.server_info["version"] == "1.2"
    assert report.modern.instructions == "Be kind."
    assert report.modern.opening_seconds is not None
    assert report.served == ("modern", "legacy")
    assert report.best is report.modern
    assert report.describe().startswith("dual: modern served (answered as peer 1.2 with 2026-07-28: 1 tool, ")


def test_modern_requests_repeat_their_body_in_headers() -> None:
    schema = {"type": "object", "properties": {"place": {"type": "string", "x-mcp-header": "Place"}}}
    server = Server(lists={"tools/list": {"tools": [{"name": "wörk", "inputSchema": schema}]}})
    with HttpPeer(serving(server)) as peer:
        call = ToolCall("wörk", {"place": "Köln", "more": 1})
        report = probe(HttpTarget(peer.url), timeout=5, calls=[call], eras=["modern"])
        last = peer.seen[-1]
    assert report.modern.calls[0].error is None
    assert last.headers["mcp-protocol-version"] == MODERN
    assert last.headers["mcp-method"] == "tools/call"
    assert last.headers["mcp-name"] == "=?base64?d8O2cms=?="
    assert last.headers["mcp-param-place"] == "=?base64?S8O2bG4=?="
    assert last.message["params"]["_meta"][META + "protocolVersion"] == MODERN
    assert last.message["params"]["_meta"][META + "clientCapabilities"] == {}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_known_older_version_is_accepted_and_told_from_then_on(version: str) -> None:
    with HttpPeer(serving(Server(modern=False, version=version))) as peer:
        report = probe(HttpTarget(peer.url), timeout=5, eras=["legacy"])
        told = [exchange.headers.get("mcp-protocol-version") for exchange in peer.seen]
    assert report.legacy.outcome == "served"
    assert report.legacy.protocol_version == version
    assert told == [None, version, version]


@pytest.mark.parametrize("version", [MODERN, "1.0", "2999-01-01"])
def test_a_handshake_with_a_version_that_is_not_legacy_is_no_legacy_era(version: str) -> None:
    report = probed(serving(Server(modern=False, version=version)))
    assert report.legacy.outcome == "not_served"
    assert version in report.legacy.detail


def test_one_connection_serves_a_whole_era() -> None:
    ports = set()
    good = serving(Server(), session="s1")

    def behave(exchange: Exchange) -> Any:
        ports.add(exchange._connection.getpeername())
        return good(exchange)

    assert probed(behave, eras=["legacy"]).era == "legacy"
    assert len(ports) == 1


def test_a_kept_connection_that_the_server_gave_up_is_opened_anew() -> None:
    good = serving(Server())

    def behave(exchange: Exchange) -> str:
        good(exchange)
        return "close"

    assert probed(behave).era == "dual"


class TestKeptConnections:
    """A server may give up a connection at any time; as it does so a request can be lost."""

    def _behave(self, exchange: Exchange) -> Any:
        again = exchange._connection.getpeername() in self.known
        self.known.add(exchange._connection.getpeername())
        return "close" if again else self.good(exchange)

    def _probed(self, *calls: ToolCall) -> ProbeReport:
        self.known: set[Any] = set()
        self.good = serving(Server())
        return probed(self._behave, eras=["modern"], calls=calls)

    def test_a_request_that_was_lost_is_sent_again(self) -> None:
        assert self._probed().modern.outcome == "served"

    def test_a_call_that_may_have_been_made_is_not_made_again(self) -> None:
        [call] = self._probed(ToolCall("echo", {})).modern.calls
        assert call.result is None
        assert call.error == "the connection was closed without an answer"


class TestSessions:
    """Whatever a probe opens it ends."""

    def test_a_session_is_carried_and_ended(self) -> None:
        with HttpPeer(serving(Server(modern=False), session="s1")) as peer:
            probe(HttpTarget(peer.url), timeout=5, eras=["legacy"])
            assert [e.headers.get("mcp-session-id") for e in peer.seen] == [None, "s1", "s1", "s1"]
            assert peer.verbs() == ["POST", "POST", "POST", "DELETE"]

    def test_a_ping_ends_its_session_too(self) -> None:
        with HttpPeer(serving(Server(modern=False), session="s1")) as peer:
            assert ping(HttpTarget(peer.url), timeout=5, era="legacy").outcome == "served"
            assert peer.verbs() == ["POST", "POST", "DELETE"]

    def test_a_session_is_ended_after_a_failure(self) -> None:
        server = Server(modern=False, replies={"tools/list": error(-32603, "out of order")})
        with HttpPeer(serving(server, session="s1")) as peer:
            report = probe(HttpTarget(peer.url), timeout=5, eras=["legacy"])
            assert peer.verbs()[-1] == "DELETE"
        assert report.legacy.outcome == "inconclusive"
        assert "out of order" in report.legacy.detail

    def test_a_session_is_ended_when_the_time_has_run_out(self) -> None:
        good = serving(Server(modern=False), session="s1")

        def behave(exchange: Exchange) -> Any:
            if exchange.verb == "POST" and exchange.message["method"] == "tools/list":
                return exchange.hang()
            return good(exchange)

        with HttpPeer(behave) as peer:
            target = HttpTarget(peer.url)
            report = returns(lambda: probe(target, timeout=1, eras=["legacy"]), 1)
            assert peer.verbs()[-1] == "DELETE"
        assert "out of time" in report.legacy.detail

    def test_a_session_that_a_refusal_opened_is_ended(self) -> None:
        def behave(exchange: Exchange) -> None:
            if exchange.verb == "DELETE":
                return exchange.answer("200 OK")
            refused = {"jsonrpc": "2.0", "id": "server-error", **error(-32600, "Missing session ID")}
            return exchange.json(refused, "400 Bad Request", "Mcp-Session-Id: leak")

        with HttpPeer(behave) as peer:
            report = probe(HttpTarget(peer.url), timeout=5, eras=["modern"])
            assert peer.verbs() == ["POST", "DELETE"]
            assert peer.seen[-1].headers["mcp-session-id"] == "leak"
        assert report.modern.outcome == "not_served"

    @pytest.mark.parametrize("status", ["405 Method Not Allowed", "404 Not Found", "500 Oh"])
    def test_a_server_that_does_not_end_sessions_is_served_all_the_same(self, status: str) -> None:
        good = serving(Server(modern=False), session="s1")

        def behave(exchange: Exchange) -> Any:
            return exchange.answer(status) if exchange.verb == "DELETE" else good(exchange)

        assert probed(behave).legacy.outcome == "served"

    def test_a_session_that_cannot_be_ended_is_told(self) -> None:
        good = serving(Server(modern=False), session="s1")

        def behave(exchange: Exchange) -> Any:
            return exchange.hang() if exchange.verb == "DELETE" else good(exchange)

        report = probed(behave, timeout=2, eras=["legacy"])
        assert report.legacy.outcome == "served"
        assert "session could not be ended" in report.legacy.detail

    def test_a_session_id_that_no_header_can_carry_is_refused(self) -> None:
        assert "Mcp-Session-Id" in probed(serving(Server(), session="ä b")).legacy.detail


class TestNoEra:
    """An outage is never an era."""

    @pytest.mark.parametrize("status", [401, 402, 403, 407, 408, 421, 425, 429, 500, 501, 502, 503, 504])
    def test_a_status_that_could_be_an_outage_is_inconclusive(self, status: int) -> None:
        refused = {"jsonrpc": "2.0", "id": 1, **error(-32601, "Method not found")}
        report = probed(lambda exchange: exchange.json(refused, f"{status} No"))
        assert (report.modern.outcome, report.legacy.outcome) == ("inconclusive", "inconclusive")
        assert f"HTTP {status} No" in report.modern.detail

    @pytest.mark.parametrize("status", [400, 404, 405])
    @pytest.mark.parametrize("kind, body", [("", b""), ("text/plain", b"what?"), ("application/json", b"{}")])
    def test_a_refusal_of_what_was_asked_is_no_era(self, status: int, kind: str, body: bytes) -> None:
        report = probed(lambda exchange: exchange.answer(f"{status} No", kind, body))
        assert (report.modern.outcome, report.legacy.outcome) == ("not_served", "not_served")
        assert report.conclusive

    def test_a_refused_connection_is_inconclusive(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        report = probe(HttpTarget(f"http://127.0.0.1:{port}/mcp"), timeout=5)
        assert report.era is None
        assert "Connection refused" in report.modern.detail
        assert not report.conclusive

    def test_a_host_without_an_address_is_inconclusive(self) -> None:
        report = returns(lambda: probe(HttpTarget("http://no-such-host.invalid/mcp"), timeout=3), 3)
        assert not report.conclusive

    def test_a_host_that_takes_no_connection_is_inconclusive(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            fillers = [socket.socket() for _number in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            report = returns(lambda: probe(HttpTarget(f"http://127.0.0.1:{port}/mcp"), timeout=1), 1)
            for filler in fillers:
                filler.close()
        assert "out of time" in report.modern.detail

    def test_a_server_that_takes_no_part_in_tls_is_inconclusive(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            target = HttpTarget(f"https://127.0.0.1:{listener.getsockname()[1]}/mcp")
            report = returns(lambda: probe(target, timeout=1, eras=["modern"]), 1)
        assert report.modern.detail == "out of time while connecting"

    def test_a_server_without_tls_is_inconclusive(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def answer() -> None:
                for _attempt in range(2):
                    connection = listener.accept()[0]
                    with connection, contextlib.suppress(ConnectionError):
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        while connection.recv(65536):
                            pass

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            target = HttpTarget(f"https://127.0.0.1:{listener.getsockname()[1]}/mcp")
            report = returns(lambda: probe(target, timeout=5), 5)
            thread.join(10)
        assert "TLS failed" in report.modern.detail
        assert not report.conclusive

    def test_an_outage_in_one_era_leaves_the_other_as_it_is(self) -> None:
        good = serving(Server())

        def behave(exchange: Exchange) -> Any:
            return exchange.answer("503 No") if "mcp-method" in exchange.headers else good(exchange)

        report = probed(behave)
        assert report.era == "legacy"
        assert report.modern.outcome == "inconclusive"
        assert not report.conclusive

    def test_an_unclear_answer_is_settled_by_the_other_era(self) -> None:
        good = serving(Server())

        def behave(exchange: Exchange) -> Any:
            return exchange.answer("202 Accepted") if "mcp-method" in exchange.headers else good(exchange)

        assert probed(behave).modern.outcome == "not_served"
        assert probed(behave, eras=["modern"]).modern.outcome == "inconclusive"


class TestModernAnswers:
    """What an answer to server/discover says."""

    @pytest.mark.parametrize(
        "outcome, reply",
        [
            ("not_served", error(-32022, "Unsupported", {"supported": ["2025-11-25"], "requested": MODERN})),
            ("not_served", error(-32022, "Unsupported", {"supported": ["2027-01-01"]})),
            ("not_served", error(-32022, "Unsupported")),
            ("inconclusive", error(-32022, "Unsupported", {"supported": [MODERN]})),
            ("inconclusive", error(-32020, "Header mismatch")),
            ("inconclusive", error(-32021, "Missing capability")),
            ("inconclusive", error(-32603, "Internal error")),
            ("not_served", error(-32601, "Method not found")),
            ("not_served", error(-32602, "Invalid params")),
            ("not_served", {"result": {"supportedVersions": ["2025-11-25"], "capabilities": {}}}),
            ("inconclusive", {"result": {}}),
            ("inconclusive", {"result": {"supportedVersions": MODERN, "capabilities": {}}}),
            ("inconclusive", {"result": {"supportedVersions": [MODERN]}}),
        ],
    )
    def test_it_is_read_alike_whatever_the_status(self, outcome: str, reply: dict[str, Any]) -> None:
        for status in ["200 OK"] + ["400 Bad Request"] * ("error" in reply):

            def behave(exchange: Exchange, status: str = status) -> None:
                exchange.json({"jsonrpc": "2.0", "id": exchange.message["id"], **reply}, status)

            report = probed(behave, eras=["modern"])
            assert report.modern.outcome == outcome, report.describe()

    def test_a_call_that_needs_input_is_given_as_it_is(self) -> None:
        asked = {"result": {"resultType": "input_required", "inputRequests": {}}}
        report = probed(
            serving(Server(replies={"tools/call": asked})), calls=[ToolCall("echo", {})], eras=["modern"]
        )
        assert report.modern.calls[0].result == asked["result"]


def test_a_call_that_fails_is_an_error_of_the_call_alone() -> None:
    server = Server(replies={"tools/call": error(-32602, "Unknown tool: nope")})
    report = probed(serving(server), calls=[ToolCall("nope", {})])
    assert report.era == "dual"
    assert report.legacy.calls[0].error == "-32602 (Unknown tool: nope)"
    assert report.legacy.calls[0].result is None


def test_nothing_that_was_given_as_a_header_is_shown() -> None:
    def behave(exchange: Exchange) -> None:
        given = exchange.headers["authorization"]
        exchange.json(
            {"jsonrpc": "2.0", "id": None, **error(-1, f"no: {given}, {given[7:]}")}, f"403 {given}"
        )

    with HttpPeer(behave) as peer:
        target = HttpTarget(peer.url + "?key=open-sesame", {"Authorization": "Bearer hunter2-hunter2"})
        report = probe(target, timeout=5)
    shown = f"{report!r} {report.describe()}"
    assert "hunter2" not in shown
    assert "open-sesame" not in shown
    assert "${Authorization}" in shown
    assert "hunter2" not in repr(target)


def test_given_headers_go_with_every_request() -> None:
    with HttpPeer(serving(Server(), session="s")) as peer:
        headers = {"Authorization": "Bearer x", "Host": "front.example", "Accept": "nothing"}
        assert probe(HttpTarget(peer.url, headers), timeout=5).era == "dual"
        assert {exchange.headers["authorization"] for exchange in peer.seen} == {"Bearer x"}
        assert {exchange.headers["host"] for exchange in peer.seen} == {"front.example"}
        assert {exchange.headers["accept"] for exchange in peer.seen} == {
            "application/json, text/event-stream"
        }


def test_only_what_is_announced_is_asked_for() -> None:
    server = Server(capabilities={"tools": {}, "logging": {}})
    probed(serving(server), eras=["modern"])
    assert server.methods() == ["server/discover", "tools/list"]
