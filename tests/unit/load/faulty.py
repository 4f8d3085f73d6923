# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MCP server of both eras on real sockets that does wrong on purpose and counts what it did."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it; ``number`` counts from 1 within its kind (``verb`` and ``method``)."""

    verb: str
    method: str
    number: int
    session: str | None

    @property
    def kind(self) -> str:
        """The JSON-RPC method, or the HTTP verb where there is none."""
        return self.method or self.verb


Plan = Callable[[Seen], str | None]
"""What to do wrong with a request; None: serve it well."""


def each(number: int, fault: str, *kinds: str) -> Plan:
    """The plan that does something wrong with each so-manieth request of these kinds."""
    return lambda seen: fault if seen.kind in kinds and seen.number % number == 0 else None


def first(number: int, plan: Plan) -> Plan:
    """The plan for just the first requests of a kind."""
    return lambda seen: plan(seen) if seen.number <= number else None


class FaultyServer:
    """Serves initialize, ping, tools/list, tools/call (remember, recall), server/discover and event streams.

    ``seen``: requests by kind, which is all that has ever reached it; ``done``: faults by name;
    ``connections``: accepted ones; ``dropped``: of these, closed without reading anything.
    """

    def __init__(
        self, plan: Plan = lambda seen: None, drop_connection: Callable[[int], str | None] = lambda n: None
    ):
        self.plan = plan
        self.drop_connection = drop_connection
        self.seen: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.connections = 0
        self.stream_connections = 0
        self.dropped = 0
        self.sessions: dict[str, str] = {}
        self.opened = 0
        self.ended = 0
        self.refused: set[str] = set()
        self.streams: set[asyncio.StreamWriter] = set()
        self.close_each = False
        self.sessionless = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> FaultyServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it serves."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"

    @property
    def requests(self) -> int:
        """All that was asked of it, connections that it dropped unread included: each carried a request."""
        return self.seen.total() + self.dropped

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            how = self.drop_connection(self.connections)
            if how is not None:
                self.dropped += 1
                if how == "reset":
                    abort(writer)
                return
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        message = json.loads(body) if body else {}
        verb = first.split()[0]
        kind = message.get("method") or verb
        self.seen[kind] += 1
        seen = Seen(verb, message.get("method", ""), self.seen[kind], headers.get("mcp-session-id"))
        fault = self.plan(seen)
        if fault is not None and not fault.startswith("stream"):
            self.done[fault] += 1
        if fault in FAULTS:
            return bool(await FAULTS[fault](self, writer, message))
        if kind in ("GET", "subscriptions/listen"):
            self.stream_connections += 1
            return await self._stream(reader, writer, seen, message, fault)
        status, result, extra = self._answer(seen, message, fault)
        if fault == "other session":
            extra = {"Mcp-Session-Id": "g2~another"}
        if self.close_each or fault == "close":
            extra = {**extra, "Connection": "close"}
        if status != 200:
            await send(writer, status, b"" if result is None else json.dumps(result).encode(), JSON, extra)
        else:
            answer = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()
            if fault == "as events":
                await send_events(
                    writer, [b'{"jsonrpc":"2.0","method":"notifications/progress"}', b"", answer], extra
                )
            else:
                await send(writer, 200, answer, JSON, extra)
        return "Connection" not in extra and fault != "close unsaid"

    def _answer(
        self, seen: Seen, message: dict[str, Any], fault: str | None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, result (or body, when the status is another than 200) and further headers."""
        kind = seen.kind
        if kind == "initialize":
            result = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "serverInfo": {"name": "f", "version": "1"},
            }
            if self.sessionless:
                return 200, result, {}
            self.opened += 1
            session = f"g17~{self.opened}"
            self.sessions[session] = ""
            return 200, result, {"Mcp-Session-Id": session}
        if fault == "forget" and seen.session is not None:
            self.sessions.pop(seen.session, None)
        if seen.session is not None and seen.session not in self.sessions:
            self.refused.add(seen.session)
            return (
                404,
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}},
                {},
            )
        if kind == "notifications/initialized":
            return 202, None, {}
        if kind == "DELETE":
            self.ended += 1
            self.sessions.pop(str(seen.session), None)
            return 200, {}, {}
        return (
            200,
            self._result(seen, message, fault),
            {"Mcp-Session-Id": seen.session} if seen.session else {},
        )

    def _result(self, seen: Seen, message: dict[str, Any], fault: str | None) -> dict[str, Any]:
        if seen.kind == "server/discover":
            return {"supportedVersions": ["2026-07-28"], "capabilities": {}}
        if seen.kind == "tools/list":
            return {"tools": []}
        if seen.kind == "tools/call":
            name, arguments = message["params"]["name"], message["params"]["arguments"]
            if fault == "forget the state":
                self.sessions[str(seen.session)] = ""
            if name == "remember":
                self.sessions[str(seen.session)] = arguments["value"]
            text = self.sessions[str(seen.session)] if name == "recall" else "ok"
            return {"content": [{"type": "text", "text": text}], "isError": fault == "tool error"}
        return {}

    async def _stream(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seen: Seen,
        message: dict[str, Any],
        fault: str | None,
    ) -> bool:
        if seen.session is not None and seen.session not in self.sessions:
            self.refused.add(seen.session)
            await send(writer, 404, b"Session not found", "text/plain", {})
            return True
        writer.write(head_of(200, EVENTS, {"Transfer-Encoding": "chunked"}))
        if message:
            ack = b'{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}'
            writer.write(chunk(b"data: " + ack + b"\r\n\r\n"))
        writer.write(chunk(b": a comment\n\nid: 1\ndata:\n\n"))
        await writer.drain()
        self.streams.add(writer)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if fault is None else 0.03):
                    await reader.read()
                    return False
            self.done[str(fault)] += 1
            if fault == "stream ends":
                writer.write(chunk(b""))
            elif fault == "stream ends with a result":
                answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {}}).encode()
                writer.write(chunk(b"data: " + answer + b"\n\n") + chunk(b""))
            elif fault == "stream reset":
                abort(writer)
            return False
        finally:
            self.streams.discard(writer)


def abort(writer: asyncio.StreamWriter) -> None:
    """Close a connection by a reset."""
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def head_of(status: int, kind: str, headers: dict[str, str]) -> bytes:
    """The head of an answer."""
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body; an empty one ends it."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def send(
    writer: asyncio.StreamWriter, status: int, body: bytes, kind: str, headers: dict[str, str]
) -> None:
    """A whole answer."""
    writer.write(head_of(status, kind, {"Content-Length": str(len(body)), **headers}) + body)
    await writer.drain()


async def send_events(
    writer: asyncio.StreamWriter, messages: list[bytes], headers: dict[str, str], end: bool = True
) -> None:
    """An answer as an event stream, cut in pieces that don't respect lines."""
    data = b"".join(b"event: message\r\ndata: " + message + b"\r\n\r\n" for message in messages)
    writer.write(head_of(200, EVENTS, {"Transfer-Encoding": "chunked", **headers}))
    for start in range(0, len(data), 7):
        writer.write(chunk(data[start : start + 7]))
    if end:
        writer.write(chunk(b""))
    await writer.drain()


async def _drop(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    return False


async def _reset(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    abort(writer)
    return False


async def _half(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    writer.write(head_of(200, JSON, {"Content-Length": "100"}) + b'{"jsonrpc": "2.0"')
    await writer.drain()
    return False


async def _half_reset(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    await _half(server, writer, message)
    await asyncio.sleep(0.02)
    abort(writer)
    return False


async def _half_events(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": []}}).encode()
    await send_events(writer, [answer], {}, end=False)
    return False


async def _silence(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    await asyncio.sleep(30)
    return False


async def _garbage(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()
    return False


def _fixed(
    status: int, body: bytes | dict[str, Any], kind: str = JSON, headers: dict[str, str] | None = None
) -> Callable[..., Any]:
    async def answer(server: FaultyServer, writer: asyncio.StreamWriter, message: dict[str, Any]) -> bool:
        data = (
            body
            if isinstance(body, bytes)
            else json.dumps({"jsonrpc": "2.0", "id": message.get("id"), **body})
        )
        await send(writer, status, data.encode() if isinstance(data, str) else data, kind, headers or {})
        return True

    return answer


FAULTS: dict[str | None, Callable[..., Any]] = {
    "drop": _drop,
    "reset": _reset,
    "half": _half,
    "half, reset": _half_reset,
    "half the events": _half_events,
    "silence": _silence,
    "garbage": _garbage,
    "503": _fixed(503, b"no slot is active", "text/plain"),
    "405": _fixed(405, b"", "text/plain"),
    "400": _fixed(400, b"what is that?", "text/plain"),
    "400 session": _fixed(
        400, {"error": {"code": -32000, "message": "Bad Request: No valid session ID provided"}}
    ),
    "404 method": _fixed(404, {"error": {"code": -32601, "message": "Method not found"}}),
    "redirect": _fixed(307, b"", "text/plain", {"Location": "/elsewhere"}),
    "html": _fixed(200, b"<html>Welcome to nginx!</html>", "text/html"),
    "not json": _fixed(200, b"{'tools'", JSON),
    "not json-rpc": _fixed(200, b'{"tools": []}', JSON),
    "another id": _fixed(200, {"id": 987654, "result": {"tools": [], "supportedVersions": ["2026-07-28"]}}),
    "rpc error": _fixed(200, {"error": {"code": -32603, "message": "Internal error"}}),
    "no tools": _fixed(200, {"result": {"resources": []}}),
}
