# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP peers on real sockets, good and bad: a peer is a function of one exchange."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.unit.protocol.servers import Server


@dataclass
class Exchange:
    """One request and the socket to answer on."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes
    _connection: socket.socket
    _over: threading.Event

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message in the request; empty when there is none."""
        return dict(json.loads(self.body)) if self.body else {}

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        self._connection.sendall(data)

    def answer(self, status: str, kind: str = "", body: bytes = b"", *headers: str) -> None:
        """Send a whole HTTP answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        if kind:
            lines.append(f"Content-Type: {kind}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def json(self, value: Any, status: str = "200 OK", *headers: str) -> None:
        """Send an answer of JSON."""
        self.answer(status, "application/json", json.dumps(value).encode(), *headers)

    def stream(self, *headers: str) -> None:
        """Begin an event stream that ends with the connection."""
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Connection: close", *headers, "", ""]
        self.send("\r\n".join(lines).encode())

    def event(self, value: Any) -> None:
        """Send a message as an event."""
        self.send(b"event: message\ndata: " + json.dumps(value).encode() + b"\n\n")

    def hang(self) -> None:
        """Do nothing until the client or the test has gone."""
        while not self._over.wait(0.02):
            readable = select.select([self._connection], [], [], 0)[0]
            if readable and not self._connection.recv(65536):
                raise ConnectionError

    def drip(self, data: bytes) -> None:
        """Send a byte at a time for as long as the client takes it, from the start again at the end."""
        while True:
            for number in range(len(data)):
                if self._over.wait(0.02):
                    raise ConnectionError
                self.send(data[number : number + 1])


Behaviour = Callable[[Exchange], Any]


class HttpPeer:
    """Serves one behaviour on a free port of loopback; ``seen`` has the requests that came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.seen: list[Exchange] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"

    def __enter__(self) -> HttpPeer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def verbs(self) -> list[str]:
        """The HTTP verbs that came, in order."""
        return [exchange.verb for exchange in self.seen]

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError, ValueError), connection.makefile("rb") as stream:
            while not self._over.is_set():
                readable = select.select([connection], [], [], 0.02)[0]
                if not readable:
                    continue
                line = stream.readline().decode().split()
                if not line:
                    return
                headers = {}
                while header := stream.readline().decode().strip():
                    name, _colon, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                exchange = Exchange(line[0], line[1], headers, body, connection, self._over)
                self.seen.append(exchange)
                if self._behaviour(exchange) == "close":
                    return


def serving(server: Server, *, session: str = "", as_events: bool = False) -> Behaviour:
    """A good peer: JSON answers, or event streams; with a session that has to be carried, if one is named."""

    def behave(exchange: Exchange) -> str | None:
        header = [f"Mcp-Session-Id: {session}"] if session else []
        if exchange.verb == "DELETE":
            exchange.answer("200 OK")
            return None
        reply = server.reply(exchange.message)
        if reply is None:
            exchange.answer("202 Accepted")
        elif "error" in reply:
            exchange.json(reply, "400 Bad Request")
        elif as_events:
            exchange.stream(*header)
            exchange.send(b"id: 1\nretry: 10\ndata:\n\n: a comment\n\n")
            exchange.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
            exchange.event(reply)
            return "close"
        else:
            exchange.json(reply, "200 OK", *header)
        return None

    return behave
