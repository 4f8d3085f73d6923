# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy sessions: each has a process of the server's, to which its messages are passed on as they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus
from child import GONE, Command, explained, until_closed
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

ENDED = ErrorData(code=INTERNAL_ERROR, message="The server's process ended before it answered")


log = logging.getLogger("sessions")


class NotStarted(Exception):
    """A session's process could not be started."""


@dataclass(eq=False)
class _Place:
    """A process, and the session that has it once one is opened. ``settled``: connected, or ended."""

    transport: StreamableHTTPServerTransport | None = None
    taken: anyio.Event = field(default_factory=anyio.Event)
    settled: anyio.Event = field(default_factory=anyio.Event)
    connected: bool = False


class Sessions:
    """The open sessions, at most so many; one that nobody uses for ``idle`` seconds is ended.

    One process more is kept ready, so that who opens a session does not wait for its start.
    """

    def __init__(self, command: Command, tasks: TaskGroup, most: int, idle: float) -> None:
        self._command = command
        self._tasks = tasks
        self._most = most
        self._idle = idle
        self._open: dict[str, StreamableHTTPServerTransport] = {}
        self._ready: _Place | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, of a session or to open one."""
        request = Request(scope, receive)
        name = request.headers.get("mcp-session-id")
        if name is None:
            await self._open_one(request, scope, receive, send)
        elif name in self._open:
            transport = self._open[name]
            await transport.handle_request(scope, receive, send)
            if transport.is_terminated:
                # Its process needs a moment to end; the client is not to wait for that.
                self._open.pop(name, None)
        else:
            await refusal(404, INVALID_REQUEST, "Session not found")(scope, receive, send)

    async def prepare(self) -> None:
        """Have a process ready for the next session."""
        if self._ready is None:
            self._ready = place = _Place()
            try:
                await self._tasks.start(self._run, place)
            except NotStarted:
                self._drop(place)

    async def _open_one(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        body = await request.body() if request.method == "POST" else b""
        if _method(body) != "initialize":
            await refusal(400, INVALID_REQUEST, "Bad Request: Missing session ID")(scope, receive, send)
            return
        if len(self._open) >= self._most:
            problem = f"{self._most} sessions are open, and no more are allowed"
            await refusal(503, INTERNAL_ERROR, problem)(scope, receive, send)
            return
        name = uuid4().hex
        transport = StreamableHTTPServerTransport(name, idle_timeout=self._idle)
        self._open[name] = transport
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._take(transport)
            await transport.handle_request(scope, _replayed(body, receive), watched)
        except NotStarted:
            await refusal(502, INTERNAL_ERROR, ENDED.message)(scope, receive, send)
        finally:
            if not 200 <= status < 300:
                await self._end(transport)

    async def _take(self, transport: StreamableHTTPServerTransport) -> None:
        """Give the session a process: the one that is ready, or a new one."""
        place, self._ready = self._ready, None
        if place is None:
            place = _Place()
            await self._tasks.start(self._run, place)
        place.transport = transport
        place.taken.set()
        await place.settled.wait()
        if not place.connected:
            raise NotStarted
        self._tasks.start_soon(self.prepare)

    async def _end(self, transport: StreamableHTTPServerTransport) -> None:
        self._open.pop(transport.mcp_session_id or "", None)
        if not transport.is_terminated:
            with anyio.CancelScope(shield=True):
                await transport.terminate()

    def _drop(self, place: _Place) -> None:
        """Its process ended, or was not started: it is not to be given out."""
        if self._ready is place:
            self._ready = None
        place.settled.set()

    async def _run(self, place: _Place, *, task_status: TaskStatus[None]) -> None:
        """One process, from its start to its end."""
        started = False
        try:
            async with self._command.start() as (from_server, to_server):
                started = True
                task_status.started()
                if await _taken(place, from_server) and place.transport:
                    await self._serve(place, place.transport, from_server, to_server)
        except Exception as error:
            # Whatever it is, it is this session's end alone.
            log.warning("a session ended: %s", explained(error))
            if not started:
                raise NotStarted from error
        finally:
            self._drop(place)
            if place.transport:
                await self._end(place.transport)

    async def _serve(
        self, place: _Place, transport: StreamableHTTPServerTransport, from_server: Any, to_server: Any
    ) -> None:
        """Let a client and its process talk until one of them ends."""
        async with transport.connect() as (from_client, to_client):
            place.connected = True
            place.settled.set()
            talk = _Talk(to_client, to_server)
            idle = transport.idle_scope or anyio.CancelScope()
            async with anyio.create_task_group() as pumps:

                async def requests() -> None:
                    with idle:
                        await talk.requests(from_client)
                    pumps.cancel_scope.cancel()

                async def answers() -> None:
                    await talk.answers(from_server)
                    # A session whose process ended is answered 404, as the specification wants.
                    self._open.pop(transport.mcp_session_id or "", None)
                    await talk.fail()
                    pumps.cancel_scope.cancel()

                pumps.start_soon(requests)
                pumps.start_soon(answers)


async def _taken(place: _Place, from_server: Any) -> bool:
    """Wait until a session takes the process; False: it ended before."""
    ended = False
    async with anyio.create_task_group() as waiting:

        async def watch() -> None:
            nonlocal ended
            async for _message in until_closed(from_server):
                pass
            ended = True
            waiting.cancel_scope.cancel()

        waiting.start_soon(watch)
        await place.taken.wait()
        waiting.cancel_scope.cancel()
    return not ended


class _Talk:
    """What one client and its process say to each other."""

    def __init__(self, to_client: Any, to_server: Any) -> None:
        self._to_client = to_client
        self._to_server = to_server
        self._waiting: dict[str | int, SessionMessage] = {}
        self._progress: dict[Any, str | int] = {}

    async def requests(self, from_client: Any) -> None:
        """Pass on what the client says, until it or the process has ended."""
        async for item in until_closed(from_client):
            message = item.message
            if isinstance(message, JSONRPCRequest):
                self._waiting[message.id] = item
                token = ((message.params or {}).get("_meta") or {}).get("progressToken")
                if isinstance(token, (str, int)):
                    self._progress[token] = message.id
            try:
                await self._to_server.send(SessionMessage(message))
            except GONE:
                return
            if isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
                await self._unanswered((message.params or {}).get("requestId"))

    async def answers(self, from_server: Any) -> None:
        """Pass on what the process says, until it has ended."""
        async for item in until_closed(from_server):
            related = self._related(item.message)
            try:
                await self._to_client.send(
                    SessionMessage(item.message, ServerMessageMetadata(related_request_id=related))
                )
            except GONE:
                return

    async def fail(self) -> None:
        """Answer what the process will not answer any more."""
        for number in list(self._waiting):
            try:
                await self._to_client.send(
                    SessionMessage(JSONRPCError(jsonrpc="2.0", id=number, error=ENDED))
                )
            except GONE:
                return
        # The router behind the stream is one message behind.
        await anyio.sleep(0.1)

    def _related(self, message: Any) -> str | int | None:
        """The request that a message belongs to: over stdio nothing else says so."""
        if isinstance(message, (JSONRPCResponse, JSONRPCError)):
            if message.id is not None:
                self._waiting.pop(message.id, None)
                self._progress = {
                    token: number for token, number in self._progress.items() if number != message.id
                }
            return None
        token = (message.params or {}).get("progressToken")
        if message.method == "notifications/progress" and isinstance(token, (str, int)):
            return self._progress.get(token)
        return next(iter(self._waiting), None)

    async def _unanswered(self, number: Any) -> None:
        """A request that its client took back gets no answer."""
        item = self._waiting.pop(number, None) if isinstance(number, (str, int)) else None
        unanswered = getattr(item.metadata, "on_request_unanswered", None) if item else None
        if unanswered:
            await unanswered()


def refusal(status: int, code: int, message: str, number: str | int | None = None) -> Response:
    """An answer of the bridge's own."""
    body = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status_code=status, media_type="application/json")


def _method(body: bytes) -> Any:
    try:
        message = json.loads(body or b"null")
    except (ValueError, RecursionError):
        return None
    return message.get("method") if isinstance(message, Mapping) else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The request's body once more, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
