# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events (the WHATWG HTML standard, section 9.2), read as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

RETRY_LIMIT = 86_400.0


@dataclass(frozen=True)
class Event:
    """One event that carries data."""

    data: bytes
    type: str = "message"


class EventParser:
    """Splits a stream into events; costs time and memory in proportion to what is fed, however it is cut.

    It keeps at most one event, so whoever feeds it bounds its memory. ``last_id`` and ``retry`` (seconds)
    are what the stream said last.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry = 1.0
        self._line = bytearray()
        self._data: list[bytes] = []
        self._type = ""
        self._after_cr = False
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Take the next bytes, give the events that they complete. An event without data is skipped."""
        if not chunk:
            return
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for ending in lines[:-1]:
            self._line += ending
            line = bytes(self._line)
            self._line.clear()
            if self._first:
                self._first = False
                line = line[3:] if line.startswith(b"\xef\xbb\xbf") else line
            if line:
                self._field(line)
            elif self._data:
                yield from self._dispatch()
            else:
                self._type = ""
        self._line += lines[-1]

    def _field(self, line: bytes) -> None:
        name, _colon, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self.last_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry = min(int(value[:12]) / 1000, RETRY_LIMIT)

    def _dispatch(self) -> Iterator[Event]:
        data, kind = b"\n".join(self._data), self._type or "message"
        self._data.clear()
        self._type = ""
        # A priming event: an id to resume from, and nothing else (2025-11-25, Streamable HTTP).
        if data.strip():
            yield Event(data, kind)
