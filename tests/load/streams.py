# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event streams: held open, and counted as cut when it is not the client who closes them."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable

import aiohttp

from .counts import Scope
from .events import Event, EventReader
from .failures import METHOD_NOT_FOUND, Failed, classify
from .messages import ACKNOWLEDGED, Request
from .pace import Pace, pause
from .wire import Wire, decode, is_answer


class End(enum.Enum):
    """How one stream, or the try to open one, came to its end."""

    CLOSED = "closed by the client"
    CUT = "cut"
    NOT_OPENED = "not opened"
    NOT_OFFERED = "the server has none"


class EventStream:
    """A client's event stream: opened, held, and opened again when it was cut, until it is released.

    :param request: makes the request that opens it: GET in a legacy session, subscriptions/listen otherwise.
    :param refused: told of a failed opening; a session may be lost by it.
    """

    def __init__(
        self,
        url: str,
        scope: Scope,
        pace: Pace,
        timeout: float,
        life: float,
        request: Callable[[], Request],
        refused: Callable[[Failed], None] = lambda failed: None,
    ) -> None:
        self._url = url
        self._scope = scope
        self._pace = pace
        self._timeout = timeout
        self._life = life
        self._request = request
        self._refused = refused
        self._released = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hold a stream."""
        self._task = asyncio.create_task(self._hold())

    async def release(self) -> None:
        """Close the stream, and wait until it is closed."""
        self._released.set()
        if self._task is not None:
            await self._task

    async def _hold(self) -> None:
        while not self._released.is_set():
            wire = Wire(self._url, self._scope, self._timeout, keep=False)
            try:
                end = await self._one(wire)
            finally:
                await wire.close()
            if end is End.NOT_OFFERED:
                self._scope.stream("not_offered")
                return
            # The server has to notice that the old stream is gone: it may allow one per session (409).
            await pause(self._released, max(self._pace.thought(), 0.25))

    async def _one(self, wire: Wire) -> End:
        """Open a stream and hold it until it is closed or cut."""
        request = self._request()
        began = self._scope.request_began()
        counted = False

        def count(failed: Failed | None) -> None:
            nonlocal counted
            counted = True
            self._scope.request_ended(request.title, began, failed)

        try:
            async with asyncio.timeout(self._timeout) as deadline, wire.send(request) as response:
                reader = EventReader()
                early = await _opened(response, reader, request)
                deadline.reschedule(None)
                count(None)
                self._scope.stream("opened")
                return await self._watch(response, reader, early, request)
        except Exception as error:
            failed = classify(error, wire.answering)
            if counted:
                raise
            if _not_offered(failed, request):
                count(None)
                return End.NOT_OFFERED
            count(failed)
            self._refused(failed)
            return End.NOT_OPENED
        except BaseException as error:
            if not counted:
                count(classify(error, wire.answering))
            raise

    async def _watch(
        self, response: aiohttp.ClientResponse, reader: EventReader, early: list[Event], request: Request
    ) -> End:
        """Read an open stream until one side ends it; exactly one of closed and cut is counted."""
        reading = asyncio.create_task(self._read(response, reader, early, request))
        released = asyncio.create_task(self._released.wait())
        try:
            await asyncio.wait(
                {reading, released}, timeout=self._life or None, return_when=asyncio.FIRST_COMPLETED
            )
            if reading.done():
                failed = reading.result()
                self._scope.stream_cut(failed.reason, failed.detail)
                return End.CUT
            self._scope.stream("closed")
            return End.CLOSED
        except asyncio.CancelledError:
            self._scope.stream("closed")
            raise
        finally:
            for task in (reading, released):
                task.cancel()
            await asyncio.wait({reading, released})

    async def _read(
        self, response: aiohttp.ClientResponse, reader: EventReader, early: list[Event], request: Request
    ) -> Failed:
        """Read events to the stream's end; why it ended."""
        try:
            events = early
            while True:
                for event in events:
                    message = decode(event.data)
                    if request.request_id is not None and is_answer(message):
                        return Failed("ended by the server with a result", event.data[:200])
                    self._scope.stream("events")
                chunk = await response.content.readany()
                if not chunk:
                    return Failed("ended by the server")
                events = [event for event in reader.feed(chunk) if event.data]
        except Exception as error:
            failed = classify(error, True)
            return Failed("disconnected", failed.detail) if failed.reason == "answer cut" else failed


async def _opened(response: aiohttp.ClientResponse, reader: EventReader, request: Request) -> list[Event]:
    """Wait until a stream is open; the events that came already. Raises Failed when it is not one.

    A legacy stream is open with its header, a modern one with the acknowledgement, its first event.
    """
    if response.content_type != "text/event-stream":
        if request.request_id is not None and response.content_type == "application/json":
            message = decode(await response.read())
            code = message["error"].get("code") if isinstance(message.get("error"), dict) else None
            raise Failed(f"jsonrpc {code}", str(message)[:200], response.status, code)
        raise Failed(
            f"bad answer: {response.content_type} in place of an event stream", status=response.status
        )
    if request.request_id is None:
        return []
    while chunk := await response.content.readany():
        events = [event for event in reader.feed(chunk) if event.data]
        if events:
            message = decode(events[0].data)
            if message.get("method") != ACKNOWLEDGED:
                raise Failed(
                    "bad answer: a stream without acknowledgement", events[0].data[:200], response.status
                )
            return events[1:]
    raise Failed("bad answer: a stream that ended before its acknowledgement", status=response.status)


def _not_offered(failed: Failed, request: Request) -> bool:
    """Whether an answer says that the server has no event streams: 405 to GET, no such method to listen."""
    if request.request_id is None:
        return failed.status == 405
    return failed.code == METHOD_NOT_FOUND
