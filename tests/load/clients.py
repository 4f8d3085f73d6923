# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of both eras."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .counts import Scope
from .failures import Failed
from .messages import (
    DISCOVER,
    LEGACY_VERSION,
    PING,
    RECALL,
    TOOLS_LIST,
    Operation,
    call,
    end_session,
    initialize,
    initialized,
    legacy,
    listen,
    modern,
    open_stream,
    text_of,
)
from .options import Options, Target
from .pace import Pace
from .streams import EventStream
from .wire import Reply, Wire


@dataclass
class Session:
    """A legacy session as its client knows it; ``session_id`` is None at a server that has no sessions.

    ``value``: what the server was told to remember, once it has confirmed that.
    """

    session_id: str | None
    version: str
    scope: Scope
    value: str | None = None
    lost: bool = False
    gone: bool = False

    def lose(self, reason: str, detail: str, gone: bool) -> None:
        """Count the session as lost, once; ``gone`` when the server no longer knows it."""
        if self.lost or self.session_id is None:
            return
        self.lost = True
        self.gone = gone
        self.scope.session_lost(reason, detail)

    def failed(self, failed: Failed) -> None:
        """See whether a failure of a request in the session says that it is lost."""
        if failed.session_is_unknown():
            self.lose(failed.reason, failed.detail, gone=True)


class LegacyClient:
    """Opens a session, makes requests in it, ends it, and so on."""

    def __init__(self, target: Target, options: Options, scope: Scope, pace: Pace, streaming: bool) -> None:
        self._target = target
        self._options = options
        self._scope = scope
        self._pace = pace
        self._streaming = streaming
        self._ids = itertools.count(1)
        lists = [TOOLS_LIST, PING, *(call(each.tool, each.arguments) for each in target.calls)]
        self._operations: list[Operation] = (
            [operation for other in lists for operation in (RECALL, other)] if target.stateful else lists
        )

    async def run(self) -> None:
        """Live until the pace says stop; then end the session."""
        wire = Wire(self._target.url, self._scope, self._options.timeout)
        try:
            await self._pace.start()
            while not self._pace.stop.is_set():
                session = await self._open(wire)
                if session is None:
                    await self._pace.next(failed=True)
                    continue
                await self._live(wire, session)
        finally:
            await wire.close()

    async def _open(self, wire: Wire) -> Session | None:
        reply = await wire.exchange(initialize(next(self._ids)))
        if isinstance(reply, Failed):
            return None
        version = str((reply.result or {}).get("protocolVersion", LEGACY_VERSION))
        session = Session(reply.session_id, version, self._scope)
        self._scope.session("not_offered" if session.session_id is None else "opened")
        self._judge(session, await wire.exchange(initialized(session.session_id, version)))
        return session

    async def _live(self, wire: Wire, session: Session) -> None:
        """Make requests until the session is lost, its time is over or all is to end; then end it."""
        stream = self._stream(session) if self._streaming and not session.lost else None
        life = self._options.session_seconds
        until = time.monotonic() + life if life else None
        operations = itertools.cycle(self._operations)
        failed = False
        try:
            while not session.lost and (until is None or time.monotonic() < until):
                await self._pace.next(failed)
                if self._pace.stop.is_set():
                    break
                if not session.lost:
                    failed = not await self._step(wire, session, operations)
        finally:
            if stream is not None:
                await stream.release()
        await self._end(wire, session)

    async def _step(self, wire: Wire, session: Session, operations: Iterator[Operation]) -> bool:
        """Make the next request of a session; whether it was answered."""
        if self._target.stateful and session.value is None:
            value = secrets.token_hex(8)
            remember = call("remember", {"value": value})
            if self._judge(session, await self._exchange(wire, session, remember)) is None:
                return False
            session.value = value
            return True
        operation = next(operations)
        reply = self._judge(session, await self._exchange(wire, session, operation))
        if reply is None:
            return False
        if operation is RECALL and (recalled := text_of(reply.result or {})) != session.value:
            session.lose(
                "state lost", f"remembered {session.value!r}, recalled {recalled[:200]!r}", gone=False
            )
        return True

    async def _exchange(self, wire: Wire, session: Session, operation: Operation) -> Reply | Failed:
        return await wire.exchange(legacy(operation, next(self._ids), session.session_id, session.version))

    def _judge(self, session: Session, reply: Reply | Failed) -> Reply | None:
        """What an answer says of the session; the answer when it is a good one."""
        if isinstance(reply, Failed):
            session.failed(reply)
            return None
        if reply.session_id not in (None, session.session_id):
            detail = f"sent {session.session_id}, answered {reply.session_id}"
            session.lose("another session id in an answer", detail, gone=False)
        return reply

    async def _end(self, wire: Wire, session: Session) -> None:
        """End a session that the server still has."""
        if session.session_id is None or session.gone:
            return
        reply = await wire.exchange(end_session(session.session_id, session.version))
        if isinstance(reply, Failed):
            session.failed(reply)
        if not session.lost:
            self._scope.session("abandoned" if isinstance(reply, Failed) else "ended")

    def _stream(self, session: Session) -> EventStream:
        stream = EventStream(
            self._target.url,
            self._scope,
            self._pace,
            self._options.timeout,
            self._options.stream_seconds,
            lambda: open_stream(session.session_id, session.version),
            session.failed,
        )
        stream.start()
        return stream


class ModernClient:
    """Makes requests, each of which stands for itself."""

    def __init__(self, target: Target, options: Options, scope: Scope, pace: Pace, streaming: bool) -> None:
        self._target = target
        self._options = options
        self._scope = scope
        self._pace = pace
        self._streaming = streaming
        self._ids = itertools.count(1)
        self._operations = [DISCOVER, TOOLS_LIST, *(call(each.tool, each.arguments) for each in target.calls)]

    async def run(self) -> None:
        """Live until the pace says stop."""
        wire = Wire(self._target.url, self._scope, self._options.timeout)
        await self._pace.start()
        stream = self._stream() if self._streaming else None
        operations = itertools.cycle(self._operations)
        failed = False
        try:
            while not self._pace.stop.is_set():
                reply = await wire.exchange(modern(next(operations), next(self._ids)))
                failed = isinstance(reply, Failed)
                await self._pace.next(failed)
        finally:
            if stream is not None:
                await stream.release()
            await wire.close()

    def _stream(self) -> EventStream:
        stream = EventStream(
            self._target.url,
            self._scope,
            self._pace,
            self._options.timeout,
            self._options.stream_seconds,
            lambda: listen(next(self._ids)),
        )
        stream.start()
        return stream
