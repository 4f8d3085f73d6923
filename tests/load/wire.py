# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's connection: a request goes out once, its answer is read to the end and counted.

What aiohttp would do of its own accord and a load must not let it do:

- send GET and DELETE again when a kept connection was dropped (``ClientSession._retry_connection``);
- follow redirects, use proxies from the environment, keep cookies;
- try the further addresses of a host name when the first refuses;
- give up a kept connection after 15 idle seconds.

That each request went out just once is checked on every request: the number of connections that aiohttp
took for it must be one.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from .counts import Scope
from .events import EventReader
from .failures import EXCERPT, Failed, classify, refusal
from .messages import SESSION_HEADER, Message, Request

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer at most."""
AFTER_ANSWER = 1.0
"""Seconds that a server has to end the event stream of an answer once the answer is in it."""
KEEP = 24 * 3600.0
"""Seconds for which an idle connection is kept: for us, as long as the server keeps it."""


class FirstAddress(AbstractResolver):
    """One address per host name, an IPv4 one if there is one: a second one would be a second try."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The address to connect to."""
        found = await self._resolver.resolve(host, port, family)
        return sorted(found, key=lambda address: address["family"] != socket.AF_INET)[:1]

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()


@dataclass(frozen=True)
class Reply:
    """A good answer: its result (None where none is due) and the session id that came with it."""

    result: Message | None
    session_id: str | None


class Wire:
    """One connection to a target, kept between requests and opened again when the server has closed it."""

    def __init__(self, url: str, scope: Scope, timeout: float, keep: bool = True) -> None:
        self.url = url
        self.scope = scope
        self.timeout = timeout
        self.answering = False
        self._attempts = 0
        self._opened = 0
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_start.append(self._count_attempt)
        trace.on_connection_reuseconn.append(self._count_attempt)
        if keep:
            trace.on_connection_create_end.append(self._count_connection)
        settings: dict[str, Any] = {"force_close": True} if not keep else {"keepalive_timeout": KEEP}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1, resolver=FirstAddress(), happy_eyeballs_delay=None, **settings
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            trace_configs=[trace],
        )
        if not hasattr(self._session, "_retry_connection"):
            raise RuntimeError(
                "this aiohttp has no ClientSession._retry_connection: its silent retry would hide faults"
            )
        self._session._retry_connection = False

    async def _count_attempt(self, *_: object) -> None:
        self._attempts += 1

    async def _count_connection(self, _session: object, _context: SimpleNamespace, _params: object) -> None:
        self._opened += 1
        self.scope.connection("opened" if self._opened == 1 else "reopened")

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once; the response, with a good status, has its body still to come.

        Raises Failed. The response's connection is closed unless its body was read to the end.
        """
        self._attempts = 0
        self.answering = False
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._session.request(
                request.verb, self.url, data=request.body, headers=request.headers, allow_redirects=False
            )
            self.answering = True
            if self._attempts != 1:
                raise Failed(f"fault of the load client: sent {self._attempts} times")
            if not 200 <= response.status < 300 and response.status not in request.accepted:
                raise refusal(response.status, await _body(response))
            yield response
        except Failed:
            raise
        except Exception as error:
            raise classify(error, self.answering) from error
        finally:
            if response is not None:
                response.close()

    async def exchange(self, request: Request) -> Reply | Failed:
        """Send a request once and count it; its answer or why there was none."""
        began = self.scope.request_began()
        failed: Failed | None = None
        try:
            async with asyncio.timeout(self.timeout), self.send(request) as response:
                message = await _answer(response, request)
                return Reply(_result(message, request), response.headers.get(SESSION_HEADER))
        except Failed as error:
            failed = error
            return error
        except Exception as error:
            failed = classify(error, self.answering)
            return failed
        except BaseException as error:
            failed = classify(error, self.answering)
            raise
        finally:
            self.scope.request_ended(request.title, began, failed)

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Failed("bad answer: a body without end", f"over {BODY_LIMIT} bytes", response.status)
    return b"".join(chunks)


def decode(text: bytes | str) -> Message:
    """A JSON-RPC message. Raises Failed when it is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failed("bad answer: not JSON", str(text[:EXCERPT])) from error
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise Failed("bad answer: not JSON-RPC", str(text[:EXCERPT]))
    return message


def is_answer(message: Message) -> bool:
    """Whether a message answers a request, as opposed to a notification or a request of the server's."""
    return "method" not in message


async def _answer(response: aiohttp.ClientResponse, request: Request) -> Message | None:
    """The answer to the request, with the whole of the body read."""
    if request.request_id is None:
        await _body(response)
        return None
    if response.content_type == "application/json":
        return decode(await _body(response))
    if response.content_type == "text/event-stream":
        return await _streamed_answer(response)
    body = await _body(response)
    raise Failed(
        f"bad answer: {response.content_type}", body[:EXCERPT].decode("utf-8", "replace"), response.status
    )


async def _streamed_answer(response: aiohttp.ClientResponse) -> Message:
    reader = EventReader()
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Failed("bad answer: a body without end", f"over {BODY_LIMIT} bytes", response.status)
        for event in reader.feed(chunk):
            if event.data and is_answer(message := decode(event.data)):
                try:
                    async with asyncio.timeout(AFTER_ANSWER):
                        await _body(response)
                except TimeoutError:
                    response.close()
                return message
    raise Failed("bad answer: an event stream without the answer", status=response.status)


def _result(message: Message | None, request: Request) -> Message | None:
    """The result in an answer, checked. Raises Failed when it is an error, or not the answer."""
    if message is None:
        return None
    told = json.dumps(message)[:EXCERPT]
    if "error" in message:
        error = message["error"]
        code = error.get("code") if isinstance(error, dict) else None
        raise Failed(f"jsonrpc {code}", told, 200, code if isinstance(code, int) else None)
    if message.get("id") != request.request_id:
        raise Failed("bad answer: another id", told, 200)
    result = message.get("result")
    if not isinstance(result, dict):
        raise Failed("bad answer: no result", told, 200)
    if request.check is not None:
        request.check(result)
    return result
