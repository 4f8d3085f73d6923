# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON-RPC over Streamable HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from .body import Body
from .connection import seconds_left
from .events import EventParser
from .excerpt import Excerpt
from .http_link import HttpLink
from .messages import (
    MESSAGE_LIMIT,
    PRECEDING_LIMIT,
    Ask,
    NotJson,
    Reply,
    answer,
    messages,
    notification,
    parse,
    request,
    same_id,
)
from .silence import FOREIGN, OUTAGE, UNCLEAR, NoReply
from .targets import HttpTarget

TOTAL_LIMIT = 4 * MESSAGE_LIMIT
"""Bytes of all answers in one conversation."""

FOREIGN_STATUSES = (400, 404, 405, 406, 410, 415, 422)
"""Of the refusals only these are an answer to what was asked; any other could be an outage."""

_ADVICE = dict.fromkeys((401, 403), " (what it wants from each client goes into probe_headers)")
"""What to do about a refusal that the server's owner can do something about."""

_RESUMPTIONS = 5
_ANSWERS = 20


class HttpWire:
    """A conversation with a Streamable HTTP endpoint, one request at a time.

    ``stateful`` says that it is one of the legacy era: the server may open a session, ask back, and end an
    event stream early to have it taken up again.
    """

    def __init__(self, target: HttpTarget, excerpt: Excerpt, *, stateful: bool) -> None:
        self._link = HttpLink(target, excerpt, carries_session=stateful)
        self._excerpt = excerpt
        self._stateful = stateful
        self._number = 0
        self._received = 0
        self._answers = 0
        self._strange = ""

    def agree(self, version: str) -> None:
        """From now on tell the server this protocol version with each request (2025-06-18, Transports)."""
        self._link.version = version

    def ask(
        self, method: str, params: Mapping[str, Any], until: float, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and wait for its reply, to the monotonic time ``until``; raises NoReply."""
        self._number += 1
        self._strange = ""
        content = request(self._number, method, params)
        again = method != "tools/call"
        with self._link.exchange("POST", until, content=content, headers=headers, again=again) as body:
            reply, stream = self._reply(body, until)
        for _attempt in range(_RESUMPTIONS):
            if reply is not None:
                break
            reply = self._resumed(stream, until)
        if reply is None:
            raise NoReply(UNCLEAR, "an event stream that ended without the reply" + self._strange)
        return reply

    def tell(self, method: str, until: float, headers: Mapping[str, str] | None = None) -> None:
        """Send a notification; raises NoReply when the server does not take it."""
        content = notification(method)
        with self._link.exchange("POST", until, content=content, headers=headers, again=True) as body:
            if not 200 <= body.status < 300:
                kind = FOREIGN if body.status in FOREIGN_STATUSES else OUTAGE
                raise NoReply(kind, f"{method} was answered with {self._link.status(body)}")

    def close(self, until: float) -> str | None:
        """End the sessions and the connection by the time ``until``; gives what went wrong with it."""
        return self._link.close(until)

    def _reply(self, body: Body, until: float) -> tuple[Reply | None, EventParser]:
        """The reply in an answer, or None and the state of the event stream that ended before it."""
        stream = EventParser()
        if body.status in FOREIGN_STATUSES:
            return self._refusal(body), stream
        if not 200 <= body.status < 300:
            raise NoReply(OUTAGE, self._link.status(body) + _ADVICE.get(body.status, ""))
        if body.ended:
            raise NoReply(UNCLEAR, f"HTTP {body.status} without a reply")
        if body.encoding:
            raise NoReply(UNCLEAR, f"an answer encoded as {self._excerpt(body.encoding, 40)}, unasked")
        if body.type == "application/json":
            return self._sole(self._count(body.whole())), stream
        if body.type == "text/event-stream":
            return self._streamed(body, stream, until), stream
        kind = self._excerpt(body.type, 60) or "no content type"
        where = f"HTTP {body.status} with {kind} where JSON or an event stream belongs"
        raise NoReply(UNCLEAR, where + self._link.start(body))

    def _count(self, piece: bytes) -> bytes:
        self._received += len(piece)
        if self._received > TOTAL_LIMIT:
            raise NoReply(UNCLEAR, f"more than {TOTAL_LIMIT} bytes of answers")
        return piece

    def _refusal(self, body: Body) -> Reply:
        """A refusal that is an answer: as the JSON-RPC error in it, whatever its id, or else as NoReply."""
        raw = self._count(body.whole()) if body.type == "application/json" and not body.encoding else None
        with contextlib.suppress(NotJson):
            for message in messages(parse(raw)) if raw else ():
                if isinstance(message, Reply) and message.error:
                    return message
        raise NoReply(FOREIGN, self._link.status(body, raw))

    def _sole(self, raw: bytes) -> Reply:
        try:
            found = list(messages(parse(raw)))
        except NotJson as error:
            raise NoReply(UNCLEAR, f"an answer that is no JSON ({self._excerpt(error, 80)})") from None
        replies = [message for message in found if isinstance(message, Reply)]
        for reply in replies:
            if self._is_ours(reply):
                return reply
        raise NoReply(
            UNCLEAR, self._stranger(replies[0]) if replies else "an answer that is no JSON-RPC reply"
        )

    def _streamed(self, body: Body, stream: EventParser, until: float) -> Reply | None:
        events = 0
        for piece in body.pieces():
            for event in stream.feed(self._count(piece)):
                events += 1
                if events > PRECEDING_LIMIT:
                    raise NoReply(UNCLEAR, f"more than {PRECEDING_LIMIT} events before the reply")
                if event.type != "message":
                    continue
                try:
                    found = list(messages(parse(event.data)))
                except NotJson as error:
                    self._strange = f", but with an event that is no JSON ({self._excerpt(error, 80)})"
                    continue
                for message in found:
                    if isinstance(message, Reply):
                        if self._is_ours(message):
                            return message
                        raise NoReply(UNCLEAR, self._stranger(message))
                    if isinstance(message, Ask):
                        self._answer(message, until)
        return None

    def _resumed(self, stream: EventParser, until: float) -> Reply | None:
        """The rest of a stream that the server ended to be asked again (2025-11-25, Resumability)."""
        mark = stream.last_id
        if not self._stateful or not mark or not mark.isascii() or not mark.isprintable():
            return None
        with self._link.in_words():
            time.sleep(min(stream.retry, seconds_left(until)))
        with self._link.exchange("GET", until, headers={"Last-Event-ID": mark}, again=True) as body:
            if not 200 <= body.status < 300 or body.type != "text/event-stream" or body.encoding:
                raise NoReply(
                    UNCLEAR, f"an event stream that ended without the reply, then {self._link.status(body)}"
                )
            return self._streamed(body, stream, until)

    def _answer(self, ask: Ask, until: float) -> None:
        self._answers += 1
        if self._stateful and self._answers <= _ANSWERS:
            self._link.aside(answer(ask), until)

    def _is_ours(self, reply: Reply) -> bool:
        return same_id(reply.id, self._number) or (reply.id is None and reply.error is not None)

    def _stranger(self, reply: Reply) -> str:
        return f"a reply with the id {self._excerpt(repr(reply.id), 40)} where {self._number} was asked"
