# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an HTTP answer, read as it comes and within limits."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from .messages import MESSAGE_LIMIT
from .silence import UNCLEAR, NoReply

_PIECE = 64 * 1024


class Body:
    """Gives the bytes of one answer as they arrive, to MESSAGE_LIMIT of them.

    ``ended`` says whether all of it was read, so that the connection is free for the next request. The
    length is counted here because ``HTTPResponse.read1`` does not do so before Python 3.12.
    """

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.response = response
        self._left = response.length
        self._size = 0
        self.ended = self._left == 0

    def pieces(self) -> Iterator[bytes]:
        """The pieces, none of them empty; raises NoReply when it is too long or breaks off."""
        while not self.ended:
            piece = self.response.read1(_PIECE if self._left is None else min(_PIECE, self._left))
            if not piece:
                if self._left:
                    raise NoReply(UNCLEAR, f"the answer broke off {self._left} bytes before its end")
                self.ended = True
                return
            if self._left is not None:
                self._left -= len(piece)
                self.ended = self._left == 0
            self._size += len(piece)
            if self._size > MESSAGE_LIMIT:
                raise NoReply(UNCLEAR, f"the answer is longer than {MESSAGE_LIMIT} bytes")
            yield piece

    def start(self, limit: int) -> bytes:
        """The first bytes, ``limit`` or a piece more."""
        taken = bytearray()
        for piece in self.pieces():
            taken += piece
            if len(taken) >= limit:
                break
        return bytes(taken)

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces())

    def close(self) -> None:
        """Read no more of it."""
        self.response.close()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def type(self) -> str:
        """The media type without parameters, in lower case; empty when there is none."""
        return (self.response.getheader("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        """The content encoding; empty when the body is as it is."""
        name = (self.response.getheader("Content-Encoding") or "").strip().lower()
        return "" if name == "identity" else name

    def destination(self, asked: str) -> str | None:
        """Where a redirect would send us from ``asked``, without user or query, which can hold a token."""
        where = self.response.getheader("Location")
        if not where:
            return None
        try:
            parts = urlsplit(urljoin(asked, where.strip()))
        except ValueError:
            return "an address that cannot be parsed"
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
