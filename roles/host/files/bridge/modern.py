# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modern requests: they have no session, so one process of the server's answers them all."""

from __future__ import annotations

import itertools
import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from child import GONE, Command, explained, until_closed
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp.shared.message import SessionMessage
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from sessions import ENDED, refusal
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST_OPEN = 256
"""Requests under way at a time; one more is answered 503."""
PING = 15.0
"""Seconds of silence after which an answer becomes an event stream, and its next sign of life is due."""
UNREAD = 256
"""Messages that a client may leave unread before its request is given up."""

_STREAM = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-transform")]


log = logging.getLogger("modern")


@dataclass(eq=False)
class _Exchange:
    """One request under way. Towards the process its own number stands for the client's id and token."""

    number: str | int
    own: int
    token: str | int | None
    ended: bool = False
    messages: Any = field(init=False)

    def __post_init__(self) -> None:
        self._sending, self.messages = anyio.create_memory_object_stream[Any](UNREAD)

    def put(self, message: dict[str, Any] | None, last: bool = False) -> None:
        """Hand on a message; None: the process has ended. What its client does not read is given up."""
        try:
            self._sending.send_nowait((message, last))
        except (anyio.WouldBlock, *GONE):
            last = True
        if last:
            self.ended = True
            self._sending.close()


class Modern:
    """The process and what is asked of it. It is started when it is needed, and ends when it was idle."""

    def __init__(self, command: Command, tasks: TaskGroup, idle: float) -> None:
        self._command = command
        self._tasks = tasks
        self._idle = idle
        self._numbers = itertools.count(1)
        self._open: dict[int, _Exchange] = {}
        self._starting = anyio.Lock()
        self._to_server: Any = None
        self._scope = anyio.CancelScope()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        message = await _read(request)
        if isinstance(message, Response):
            await message(scope, receive, send)
            return
        if len(self._open) >= MOST_OPEN:
            problem = f"{MOST_OPEN} requests are under way, and no more are allowed"
            await refusal(503, INTERNAL_ERROR, problem, message.id)(scope, receive, send)
            return
        exchange = self._begin(message)
        try:
            async with anyio.create_task_group() as tasks:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(watch)
                await self._ask(exchange, message)
                await _answer(exchange, send)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._finish(exchange)

    async def prepare(self) -> None:
        """Have the process ready for the first request."""
        async with self._starting:
            if self._to_server is None:
                try:
                    await self._tasks.start(self._run)
                except OSError as error:
                    log.warning("no process for modern requests: %s", explained(error))

    def _begin(self, message: JSONRPCRequest) -> _Exchange:
        token = ((message.params or {}).get("_meta") or {}).get("progressToken")
        exchange = _Exchange(
            message.id, next(self._numbers), token if isinstance(token, (str, int)) else None
        )
        self._open[exchange.own] = exchange
        self._scope.deadline = math.inf
        return exchange

    async def _ask(self, exchange: _Exchange, message: JSONRPCRequest) -> None:
        params = dict(message.params or {})
        if exchange.token is not None:
            params["_meta"] = {**params["_meta"], "progressToken": exchange.own}
        asked = JSONRPCRequest(jsonrpc="2.0", id=exchange.own, method=message.method, params=params)
        try:
            async with self._starting:
                if self._to_server is None:
                    await self._tasks.start(self._run)
            await self._to_server.send(SessionMessage(asked))
        except (*GONE, OSError, AttributeError):
            exchange.put(None, last=True)

    async def _finish(self, exchange: _Exchange) -> None:
        """Forget it; one that its client gave up is taken back."""
        self._open.pop(exchange.own, None)
        if not self._open:
            self._scope.deadline = anyio.current_time() + self._idle
        if not exchange.ended and self._to_server is not None:
            params = {"requestId": exchange.own, "reason": "the client has gone"}
            back = JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)
            with anyio.move_on_after(1):
                try:
                    await self._to_server.send(SessionMessage(back))
                except GONE:
                    return

    async def _run(self, *, task_status: TaskStatus[None]) -> None:
        """One process, from its start to its end."""
        self._scope = anyio.CancelScope()
        to_server = None
        try:
            with self._scope:
                async with self._command.start() as (from_server, to_server):
                    self._to_server = to_server
                    task_status.started()
                    async for item in until_closed(from_server):
                        self._hand_on(item.message)
                    self._forget(to_server)
        except Exception as error:
            log.warning("the process of modern requests ended: %s", explained(error))
            if to_server is None:
                raise OSError("not started") from error
        finally:
            self._forget(to_server)

    def _forget(self, to_server: Any) -> None:
        """The process has ended: what was asked of it is answered so, the next request starts another."""
        if to_server is not None and self._to_server is to_server:
            self._to_server = None
            for exchange in list(self._open.values()):
                exchange.put(None, last=True)

    def _hand_on(self, message: Any) -> None:
        if isinstance(message, (JSONRPCResponse, JSONRPCError)):
            exchange = self._open.get(message.id) if isinstance(message.id, int) else None
            if exchange:
                exchange.put({**_plain(message), "id": exchange.number}, last=True)
        elif isinstance(message, JSONRPCNotification):
            params = dict(message.params or {})
            meta = dict(params.get("_meta") or {})
            exchange = self._of(meta.get(SUBSCRIPTION_ID_META_KEY), params.get("progressToken"))
            if exchange is None:
                return
            if SUBSCRIPTION_ID_META_KEY in meta:
                params["_meta"] = {**meta, SUBSCRIPTION_ID_META_KEY: exchange.number}
            if "progressToken" in params:
                params["progressToken"] = exchange.token
            exchange.put({**_plain(message), "params": params})

    def _of(self, subscription: Any, token: Any) -> _Exchange | None:
        """Whose a notification is; None where it does not say so: it may be of a request that is over."""
        own = token if subscription is None else subscription
        return self._open.get(int(own)) if re.fullmatch("[0-9]{1,18}", str(own)) else None


async def _read(request: Request) -> JSONRPCRequest | Response:
    """The request, or the answer to what is none."""
    if request.method != "POST":
        return Response(status_code=405, headers={"Allow": "POST"})
    if not all(check_accept_headers(request)):
        return Response(status_code=406)
    try:
        decoded = json.loads(await request.body())
    except (ValueError, RecursionError):
        return refusal(400, PARSE_ERROR, "Parse error")
    if isinstance(decoded, Mapping) and "id" not in decoded:
        return Response(status_code=202)
    try:
        message = JSONRPCRequest.model_validate(decoded)
        # What has no form as a line to the process would end it, for all whom it serves.
        message.model_dump_json(by_alias=True).encode()
    except (ValueError, RecursionError):
        return refusal(400, INVALID_REQUEST, "Body must be a single JSON-RPC request or notification object")
    twice = find_duplicated_routing_header(request.headers.items())
    if twice is not None:
        return refusal(400, HEADER_MISMATCH, f"{twice} header appears more than once", message.id)
    verdict = classify_inbound_request(decoded, headers=dict(request.headers))
    if isinstance(verdict, InboundLadderRejection):
        error = {"code": verdict.code, "message": verdict.message}
        if verdict.data is not None:
            error["data"] = verdict.data
        return _json({"jsonrpc": "2.0", "id": message.id, "error": error})
    return message


async def _answer(exchange: _Exchange, send: Send) -> None:
    """Send what comes of it: JSON when that is the answer alone, else an event stream."""
    streaming, last = False, False
    while not last:
        message: dict[str, Any] | None = {}
        with anyio.move_on_after(PING):
            try:
                message, last = await exchange.messages.receive()
            except anyio.EndOfStream:
                message, last = None, True
        if message is None:
            message = {"jsonrpc": "2.0", "id": exchange.number, "error": ENDED.model_dump(exclude_none=True)}
            if not streaming:
                await _sent(Response(json.dumps(message), 502, media_type="application/json"), send)
                return
        if last and not streaming:
            await _sent(_json(message), send)
            return
        if not streaming:
            await send({"type": "http.response.start", "status": 200, "headers": _STREAM})
            streaming = True
        event = f"event: message\r\ndata: {json.dumps(message)}\r\n\r\n" if message else ": ping\r\n\r\n"
        await send({"type": "http.response.body", "body": event.encode(), "more_body": not last})


async def _sent(response: Response, send: Send) -> None:
    await send(
        {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    )
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": False})


def _json(message: Mapping[str, Any]) -> Response:
    """The answer with the HTTP status that the specification gives to its error."""
    code = message.get("error", {}).get("code")
    status = ERROR_CODE_HTTP_STATUS.get(code, 200) if code is not None else 200
    return Response(json.dumps(message), status_code=status, media_type="application/json")


def _plain(message: Any) -> dict[str, Any]:
    plain: dict[str, Any] = message.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return plain
