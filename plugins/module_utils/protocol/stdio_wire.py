# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON-RPC over the stdin and stdout of a disposable process."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from .disposable import GRACE_SECONDS, DisposableProcess
from .excerpt import Excerpt
from .messages import (
    MESSAGE_LIMIT,
    PRECEDING_LIMIT,
    Ask,
    Message,
    NotJson,
    Reply,
    answer,
    is_integer,
    messages,
    notification,
    parse,
    request,
)
from .silence import UNCLEAR, NoReply
from .targets import StdioTarget

TOTAL_LIMIT = 4 * MESSAGE_LIMIT
"""Bytes of stdout in one conversation."""

GARBAGE_LINES = 1000
GARBAGE_BYTES = 1024 * 1024
"""What is tolerated on stdout that is no JSON-RPC: servers print banners there."""

STDERR_KEPT = 4 * 1024

_PIECE = 64 * 1024
_TICK = 0.1
_LAST_WORDS_SECONDS = 0.5
_OUTGOING_LIMIT = 1024 * 1024


class StdioWire:
    """A conversation with a process that was started for it, one request at a time.

    Everything happens in the caller's thread: writing to a process that does not read its stdin waits no
    longer than the deadline of the request, and stderr is read along so that it cannot fill up.
    """

    def __init__(self, target: StdioTarget, excerpt: Excerpt) -> None:
        """Start the process; raises NoReply when that fails."""
        self._excerpt = excerpt
        self._process = DisposableProcess(target)
        self._outgoing = bytearray()
        self._incoming: deque[bytes] = deque()
        self._half = bytearray()
        self._received = 0
        self._garbage_lines = 0
        self._garbage_bytes = 0
        self._stderr = b""
        self._stderr_cut = False
        self._open = {self._process.stdout, self._process.stderr}
        self._number = 0
        self._grace = GRACE_SECONDS

    def agree(self, version: str) -> None:
        """Over stdio the version goes with no message."""

    def ask(
        self, method: str, params: Mapping[str, Any], until: float, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and wait for its reply, to the monotonic time ``until``; raises NoReply."""
        self._number += 1
        self._outgoing += request(self._number, method, params) + b"\n"
        lines = 0
        while True:
            while self._incoming:
                lines += 1
                if lines > PRECEDING_LIMIT:
                    raise self._flood(f"more than {PRECEDING_LIMIT} lines before the reply")
                for message in self._read(self._incoming.popleft()):
                    reply = self._taken(message)
                    if reply is not None:
                        return reply
            if self._process.stdout not in self._open:
                raise NoReply(UNCLEAR, self._ending(until))
            if time.monotonic() >= until:
                raise NoReply(UNCLEAR, f"no reply to {method} in time{self._unread()}{self._last_words()}")
            self._move(until)

    def tell(self, method: str, until: float, headers: Mapping[str, str] | None = None) -> None:
        """Send a notification; it is on its way when this returns, and need not be read."""
        self._outgoing += notification(method) + b"\n"
        self._write()

    def close(self, until: float) -> str | None:
        """End the process and all that it started, within the time to ``until`` plus 0.5 s."""
        self._process.end(max(0.0, min(self._grace, until - time.monotonic())))
        return f"{self._garbage_lines} lines that are no JSON-RPC on stdout" if self._garbage_lines else None

    def _read(self, line: bytes) -> list[Message]:
        """The messages of a line; raises NoReply when there has been too much that is none."""
        try:
            found = list(messages(parse(line))) if line.strip() else []
        except NotJson:
            found = [None]
        good = [message for message in found if message is not None]
        if not good:
            self._garbage_lines += bool(found)
            self._garbage_bytes += len(line) + 1
            if self._garbage_lines > GARBAGE_LINES or self._garbage_bytes > GARBAGE_BYTES:
                shown = self._excerpt(line.decode("utf-8", "replace"), 80)
                raise self._flood(f"stdout is full of what is no JSON-RPC, such as {shown!r}")
        return good

    def _taken(self, message: Message) -> Reply | None:
        """The message if it is the reply that is waited for; one to an earlier request is skipped."""
        if isinstance(message, Ask):
            if len(self._outgoing) < _OUTGOING_LIMIT:
                self._outgoing += answer(message) + b"\n"
        elif isinstance(message, Reply):
            known = is_integer(message.id) and 0 < message.id <= self._number
            if known and message.id == self._number or message.id is None and message.error:
                return message
            if not known:
                shown = self._excerpt(repr(message.id), 40)
                raise NoReply(UNCLEAR, f"a reply with the id {shown} where {self._number} was asked")
        return None

    def _move(self, until: float) -> None:
        """Move what can be moved, waiting for a moment if there is nothing."""
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLIN)
        if self._outgoing:
            poll.register(self._process.stdin, select.POLLOUT)
        ready = poll.poll(max(0, min(_TICK, until - time.monotonic())) * 1000)
        for descriptor, _event in ready:
            if descriptor == self._process.stdin:
                self._write()
            else:
                self._take_piece(descriptor)
        if not ready and self._process.has_ended():
            # Something that it started still holds stdout open; from itself nothing more can come.
            self._open.discard(self._process.stdout)

    def _write(self) -> None:
        if not self._outgoing:
            return
        try:
            written = os.write(self._process.stdin, self._outgoing[:_PIECE])
        except BlockingIOError:
            return
        except OSError:
            # It does not read any more; whether it still answers is told by its stdout.
            written = len(self._outgoing)
        del self._outgoing[:written]

    def _take_piece(self, descriptor: int) -> None:
        try:
            piece = os.read(descriptor, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._open.discard(descriptor)
        elif descriptor == self._process.stderr:
            self._stderr_cut = self._stderr_cut or len(self._stderr) + len(piece) > STDERR_KEPT
            self._stderr = (self._stderr + piece)[-STDERR_KEPT:]
        else:
            self._take_lines(piece)

    def _take_lines(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._received > TOTAL_LIMIT:
            raise self._flood(f"more than {TOTAL_LIMIT} bytes on stdout")
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._incoming.append(bytes(self._half) + line)
            self._half.clear()
        self._half += rest
        message = self._half.startswith((b"{", b"["))
        if len(self._half) > (MESSAGE_LIMIT if message else GARBAGE_BYTES):
            raise self._flood(f"a line of more than {len(self._half)} bytes on stdout")

    def _flood(self, detail: str) -> NoReply:
        # It would flood us to the end of its grace.
        self._grace = 0.0
        return NoReply(UNCLEAR, detail + self._last_words())

    def _ending(self, until: float) -> str:
        """What is to be said of a process from which nothing more comes."""
        limit = min(until, time.monotonic() + _LAST_WORDS_SECONDS)
        while time.monotonic() < limit and not (
            self._process.has_ended() and self._process.stderr not in self._open
        ):
            if self._process.stderr in self._open:
                poll = select.poll()
                poll.register(self._process.stderr, select.POLLIN)
                if poll.poll(20):
                    self._take_piece(self._process.stderr)
                elif self._process.has_ended():
                    break
            else:
                time.sleep(0.01)
        how = self._process.how_it_ended() or "closed its stdout"
        half = f", in the middle of a message ({len(self._half)} bytes of it)" if self._half.strip() else ""
        return f"it {how} before the reply{half}{self._last_words()}"

    def _unread(self) -> str:
        return ", which it has not read" if self._outgoing else ""

    def _last_words(self) -> str:
        """The last lines of stderr; what was cut off at its start is left out, it could be half a secret."""
        kept = self._stderr
        if self._stderr_cut:
            sign = b"\n" if b"\n" in kept.rstrip(b"\n") else b" "
            kept = kept.partition(sign)[2]
        lines = [line.strip() for line in self._excerpt.redact(kept.decode("utf-8", "replace")).splitlines()]
        shown = " | ".join([line for line in lines if line][-3:])
        return f"; stderr ends with {self._excerpt(shown[-400:], 400)!r}" if shown else ""
