# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge against a real HAProxy with the role's configuration, and upstreams that say who they are."""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


class Upstream:
    """A slot's server that gives out sessions and knows its own; ``seen`` are requests that reached it."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.sessions: set[str] = set()
        self.seen: list[dict[str, Any]] = []
        self.release = threading.Event()
        self.unknown = 404
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> None:
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                session = self.headers.get("Mcp-Session-Id")
                upstream.seen.append({"path": self.path, "session": session, **dict(self.headers.items())})
                if json.loads(body)["method"] == "initialize":
                    session = str(uuid.uuid4())
                    upstream.sessions.add(session)
                    self.answer(200, {"Mcp-Session-Id": session})
                elif session is None or session in upstream.sessions:
                    self.answer(200, body=json.dumps({"port": upstream.port}).encode())
                else:
                    self.answer(upstream.unknown)

            def do_DELETE(self) -> None:
                upstream.sessions.discard(self.headers["Mcp-Session-Id"])
                self.answer(200)

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b": open\n\n")
                self.wfile.flush()
                upstream.release.wait(20)
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self.server = Server((address, 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.port, "/mcp")

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def upstream() -> Iterator[Callable[..., Upstream]]:
    started: list[Upstream] = []

    def start(address: str = "127.0.0.1") -> Upstream:
        started.append(Upstream(address))
        return started[-1]

    yield start
    for item in started:
        item.close()


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[HAProxy]:
    with HAProxy(tmp_path / "node", free_ports(1)[0]) as running:
        yield running


@pytest.fixture
def edge(haproxy: HAProxy) -> Edge:
    return haproxy.edge()


def call(
    haproxy: HAProxy, body: dict[str, Any], path: str = "/time", method: str = "POST", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **named})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def open_session(haproxy: HAProxy) -> str:
    response, _body = call(haproxy, INITIALIZE)
    return str(response.headers["Mcp-Session-Id"])


def test_new_clients_follow_the_switch_and_old_sessions_stay_where_they_began(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue, green = upstream(), upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    session = open_session(haproxy)
    edge.add_generation("time", 2, green.target)
    edge.switch("time", 2, "/time")
    _response, old = call(haproxy, LIST, mcp_session_id=session)
    _response, new = call(haproxy, LIST)
    assert (json.loads(old)["port"], json.loads(new)["port"]) == (blue.port, green.port)
    assert session.startswith("g1~")
    assert blue.seen[-1]["session"] in blue.sessions


def test_the_server_sees_its_own_path_and_a_host_it_accepts(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    call(haproxy, LIST, path="/time/")
    assert (blue.seen[-1]["path"], blue.seen[-1]["host"]) == ("/mcp", f"localhost:{blue.port}")


@pytest.mark.parametrize("session", ["g9~gone", "untagged", "active~x", "g1", "g~x", "g1~forged"])
def test_a_session_of_no_generation_gets_404_and_reaches_no_other(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream], session: str
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    response, _body = call(haproxy, LIST, mcp_session_id=session)
    assert response.status == 404


def test_a_retired_generation_gets_404_and_may_initialize_anew(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue, green = upstream(), upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    session = open_session(haproxy)
    edge.add_generation("time", 2, green.target)
    edge.switch("time", 2, "/time")
    edge.retire("time", {1})
    assert call(haproxy, LIST, mcp_session_id=session)[0].status == 404
    response, _body = call(haproxy, INITIALIZE, mcp_session_id=session)
    assert response.headers["Mcp-Session-Id"].startswith("g2~")
    assert edge.traffic("time", 2).sessions == 1


def test_sessions_and_open_streams_are_counted_until_they_end(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    first, second = open_session(haproxy), open_session(haproxy)
    stream = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    stream.request("GET", "/time", headers={"Accept": "text/event-stream", "Mcp-Session-Id": first})
    stream.getresponse().readline()
    assert (edge.traffic("time", 1).sessions, edge.traffic("time", 1).open_requests) == (2, 1)
    blue.release.set()
    stream.close()
    for session in (first, second):
        call(haproxy, {}, method="DELETE", mcp_session_id=session)
    traffic = edge.traffic("time", 1)
    assert (traffic.sessions, traffic.open_requests, traffic.failed) == (0, 0, 0)


@pytest.mark.parametrize("unknown", [400, 404, 500])
def test_a_session_that_was_made_up_is_not_counted_and_one_that_haproxy_lost_is(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream], unknown: int
) -> None:
    blue = upstream()
    blue.unknown = unknown
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    session = open_session(haproxy)
    haproxy.kill()
    haproxy.start()
    for junk in ("g1~a", "g1~b"):
        assert call(haproxy, LIST, mcp_session_id=junk)[0].status == unknown
    assert edge.traffic("time", 1).sessions == 0
    call(haproxy, LIST, mcp_session_id=session)
    assert edge.traffic("time", 1).sessions == 1


def test_a_session_id_longer_than_a_table_key_is_counted_by_itself(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    for end in "ab":
        blue.sessions.add("x" * 500 + end)
        call(haproxy, LIST, mcp_session_id="g1~" + "x" * 500 + end)
    assert edge.traffic("time", 1).sessions == 2


def test_failed_answers_are_counted_for_the_generation_that_gave_them(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    nobody = Target("127.0.0.1", free_ports(1)[0], "/mcp")
    edge.add_generation("time", 1, blue.target)
    edge.add_generation("time", 2, nobody)
    edge.switch("time", 2, "/time")
    stream = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    stream.request("GET", "/time", headers={"Accept": "text/event-stream", "Mcp-Session-Id": "g1~x"})
    stream.getresponse().readline()
    assert call(haproxy, LIST)[0].status == 503
    stream.close()
    assert (edge.traffic("time", 2).failed, edge.traffic("time", 1).failed) == (1, 0)


def test_a_foreign_host_or_origin_is_refused(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    assert call(haproxy, LIST, host="evil.example")[0].status == 403
    assert call(haproxy, LIST, host=f"localhost:{haproxy.port}")[0].status == 200
    assert call(haproxy, LIST, origin="http://evil.example")[0].status == 403


def test_a_server_that_listens_on_ipv6_alone_is_reached(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream("::1")
    edge.add_generation("time", 1, Target("::1", blue.port, "/mcp"))
    edge.switch("time", 1, "/time")
    assert json.loads(call(haproxy, LIST)[1])["port"] == blue.port
    assert call(haproxy, LIST, host=f"[::1]:{haproxy.port}")[0].status == 200


def test_an_allowed_origin_passes_and_others_do_not(
    tmp_path: Path, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    with HAProxy(tmp_path / "node", free_ports(1)[0], edge_origins=["https://app.example"]) as haproxy:
        haproxy.edge().add_generation("time", 1, blue.target)
        haproxy.edge().switch("time", 1, "/time")
        assert call(haproxy, LIST, origin="https://APP.example")[0].status == 200
        assert call(haproxy, LIST, origin="https://app.example.evil")[0].status == 403


def test_a_killed_haproxy_comes_back_with_the_switch_it_had(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue, green = upstream(), upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    session = open_session(haproxy)
    edge.add_generation("time", 2, green.target)
    edge.switch("time", 2, "/time")
    haproxy.kill()
    haproxy.start()
    assert json.loads(call(haproxy, LIST)[1])["port"] == green.port
    assert json.loads(call(haproxy, LIST, mcp_session_id=session)[1])["port"] == blue.port
    assert edge.agrees("time")


def test_a_file_that_was_written_before_a_crash_is_brought_to_the_runtime(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue, green = upstream(), upstream()
    edge.add_generation("time", 1, blue.target)
    edge.add_generation("time", 2, green.target)
    edge.switch("time", 1, "/time")
    (haproxy.maps / "active.map").write_text("time g2\n")
    assert not edge.agrees("time")
    edge.synchronise()
    assert edge.agrees("time")
    assert json.loads(call(haproxy, LIST)[1])["port"] == green.port


def test_requests_that_a_reload_left_with_the_old_process_are_counted(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    stream = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    stream.request(
        "GET", "/time", headers={"Accept": "text/event-stream", "Mcp-Session-Id": open_session(haproxy)}
    )
    stream.getresponse().readline()
    assert haproxy.process is not None
    before = edge.uptime()
    haproxy.process.send_signal(12)
    master = edge._master
    assert master is not None
    while edge.uptime() > before or "# old workers" not in master.ask("show proc"):
        pass
    assert edge.traffic("time", 1).open_requests == 1
    stream.close()


def test_servers_of_one_host_do_not_touch_each_other(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    one, two = upstream(), upstream()
    edge.add_generation("time", 1, one.target)
    edge.switch("time", 1, "/time")
    edge.add_generation("time-2", 1, two.target)
    edge.switch("time-2", 1, "/time/two")
    edge.remove("time")
    assert call(haproxy, LIST, path="/time")[0].status == 404
    assert json.loads(call(haproxy, LIST, path="/time/two")[1])["port"] == two.port


def test_a_stopped_haproxy_is_an_error_that_names_its_socket(haproxy: HAProxy, edge: Edge) -> None:
    haproxy.kill()
    with pytest.raises(FleetError, match=r"haproxy\.sock.*Start the edge"):
        edge.add_generation("time", 1, Target("127.0.0.1", 1, "/mcp"))


def used(edge: Edge, server: str = "time") -> dict[str, tuple[int, int]]:
    """Requests and sessions of each era, in all HAProxy processes that are there."""
    found: dict[str, tuple[int, int]] = {}
    for worker in edge.eras():
        for era, counted in worker.servers.get(server, {}).items():
            requests, sessions = found.get(era, (0, 0))
            found[era] = (requests + counted.requests, sessions + counted.sessions)
    return found


def test_requests_and_sessions_are_counted_by_era_and_server(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    session = open_session(haproxy)
    call(haproxy, LIST, mcp_session_id=session, mcp_protocol_version="2025-11-25")
    # A client of both eras goes on naming the version it began with; its session says what it speaks.
    call(haproxy, LIST, mcp_session_id=session, mcp_protocol_version="2026-07-28")
    call(haproxy, LIST)
    call(haproxy, LIST, mcp_protocol_version="2026-07-28")
    assert used(edge) == {"legacy": (4, 1), "modern": (1, 0)}
    assert edge.eras()[0].servers["time"]["modern"].idle < 60
    assert used(edge, "other") == {}


def test_neither_the_fleets_own_checks_nor_what_was_refused_is_a_use(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    call(haproxy, INITIALIZE, user_agent="mcpops.fleet")
    call(haproxy, LIST, mcp_protocol_version="2026-07-28", user_agent="mcpops.fleet")
    assert call(haproxy, LIST, mcp_session_id="g1~forged")[0].status == 404
    assert used(edge) == {}


def test_a_stream_that_is_open_is_a_use_under_way(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    edge.add_generation("time", 1, blue.target)
    edge.switch("time", 1, "/time")
    stream = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    stream.request("GET", "/time", headers={"Accept": "text/event-stream", "Mcp-Session-Id": "g1~x"})
    stream.getresponse().readline()
    assert edge.eras()[0].servers["time"]["legacy"].under_way
    assert haproxy.process is not None
    before = edge.eras()[0].process
    haproxy.process.send_signal(12)
    while len(edge.eras()) < 2 or edge.eras()[0].process == before:
        pass
    # The process that a reload left behind still knows.
    assert [bool(worker.servers) for worker in edge.eras()] == [False, True]
    stream.close()


def test_an_edge_of_an_older_collection_is_not_taken_for_one_that_nobody_used(
    haproxy: HAProxy, edge: Edge
) -> None:
    haproxy.kill()
    text = haproxy.file.read_text()
    kept = [
        line for line in text.splitlines() if "eras" not in line and "sc2" not in line and "(2)" not in line
    ]
    haproxy.file.write_text("\n".join(kept).replace("  stick-table type string len 64 size 10k", "#") + "\n")
    haproxy.start()
    with pytest.raises(FleetError, match="No such table"):
        edge.eras()
