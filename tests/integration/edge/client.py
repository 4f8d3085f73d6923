# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the edge, and what stands behind it in these tests."""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import threading
import uuid
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from tests.support.haproxy import HAProxy

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

            def handle_error(self, *_: object) -> None:
                """A client that goes away is none."""

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


def call(
    haproxy: HAProxy, body: dict[str, Any], path: str = "/time", method: str = "POST", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send a request through the edge; gives the answer and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **named})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def open_session(haproxy: HAProxy) -> str:
    """Begin a session; gives its id as clients see it."""
    response, _body = call(haproxy, INITIALIZE)
    return str(response.headers["Mcp-Session-Id"])


def open_stream(haproxy: HAProxy, session: str) -> http.client.HTTPConnection:
    """An event stream of a session, which has begun."""
    connection = http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=10)
    connection.request("GET", "/time", headers={"Accept": "text/event-stream", "Mcp-Session-Id": session})
    connection.getresponse().readline()
    return connection


def port_of(answer: tuple[http.client.HTTPResponse, bytes]) -> int:
    """Which upstream gave an answer."""
    return int(json.loads(answer[1])["port"])


def serve(edge: Edge, upstream: Upstream, generation: int = 1) -> None:
    """Switch the server time to an upstream."""
    edge.add_generation("time", generation, upstream.target)
    edge.switch("time", generation, "/time")
