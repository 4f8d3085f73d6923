# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events (WHATWG HTML, section 9.2) from bytes as they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from .failures import Failed

EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event at most."""


@dataclass(frozen=True)
class Event:
    """One event; ``data`` is empty in a priming event, which has just an id."""

    kind: str
    data: str


class EventReader:
    """Makes events of bytes; what has not come to its end is no event."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._kind = ""
        self._data: list[str] = []
        self._size = 0
        self._seen = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete. Raises Failed when one is larger than EVENT_LIMIT."""
        self._rest.append(chunk)
        self._rest_size += len(chunk)
        if self._rest_size + self._size > EVENT_LIMIT:
            raise Failed("bad answer: an event without end", f"over {EVENT_LIMIT} bytes")
        if b"\n" not in chunk:
            return []
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest, self._rest_size = [rest], len(rest)
        return [event for line in lines if (event := self._line(line.rstrip(b"\r"))) is not None]

    def _line(self, line: bytes) -> Event | None:
        if not line:
            event = Event(self._kind or "message", "\n".join(self._data)) if self._seen else None
            self._kind, self._data, self._size, self._seen = "", [], 0, False
            return event
        field, _colon, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"event":
            self._kind = text
        elif field == b"data":
            self._data.append(text)
            self._size += len(value)
            self._seen = True
        return None
