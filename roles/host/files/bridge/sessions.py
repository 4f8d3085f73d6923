# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy sessions: each has a process of the server's, to which its messages are passed on as they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
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


class Sessions:
    """The open sessions, at most so many; one that nobody uses for ``idle`` seconds is ended."""

    def __init__(self, command: Command, tasks: TaskGroup, most: int, idle: float) -> None:
        self._command = command
        self._tasks = tasks
        self._most = most
        self._idle = idle
        self._open: dict[str, StreamableHTTPServerTransport] = {}

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
            await self._tasks.start(self._run, name, transport)
            await transport.handle_request(scope, _replayed(body, receive), watched)
        except NotStarted:
            await refusal(502, INTERNAL_ERROR, ENDED.message)(scope, receive, send)
        finally:
            if not 200 <= status < 300:
                await self._end(name)

    async def _end(self, name: str) -> None:
        transport = self._open.pop(name, None)
        if transport and not transport.is_terminated:
            with anyio.CancelScope(shield=True):
                await transport.terminate()

    async def _run(
        self, name: str, transport: StreamableHTTPServerTransport, *, task_status: TaskStatus[None]
    ) -> None:
        started = False
        try:
            async with (
                transport.connect() as (from_client, to_client),
                self._command.start() as (
                    from_server,
                    to_server,
                ),
            ):
                talk = _Talk(to_client, to_server)
                async with anyio.create_task_group() as pumps:
                    idle = transport.idle_scope or anyio.CancelScope()

                    async def requests() -> None:
                        with idle:
                            await talk.requests(from_client)
                        pumps.cancel_scope.cancel()

                    async def answers() -> None:
                        await talk.answers(from_server)
                        # A session whose process ended is answered 404, as the specification wants.
                        self._open.pop(name, None)
                        await talk.fail()
                        pumps.cancel_scope.cancel()

                    pumps.start_soon(requests)
                    pumps.start_soon(answers)
                    started = True
                    task_status.started()
        except Exception as error:
            # Whatever it is, it is this session's end alone.
            log.warning("a session ended: %s", explained(error))
            if not started:
                raise NotStarted from error
        finally:
            await self._end(name)


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
