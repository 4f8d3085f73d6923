# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A closed loop of HTTP requests over raw sockets: light enough not to be what is measured."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """``seconds`` of each answered request in order of arrival; ``elapsed`` seconds of the whole."""

    seconds: list[float]
    elapsed: float

    @property
    def rate(self) -> float:
        """Answered requests per second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """Seconds within which ``share`` (0 to 1) of the requests were answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection(asyncio.Protocol):
    """Sends ``request`` again as soon as it has its answer; anything but 200 ends the measurement."""

    def __init__(
        self, request: bytes, until: float, ended: asyncio.Future[None], seconds: list[float]
    ) -> None:
        self._request = request
        self._until = until
        self._ended = ended
        self._seconds = seconds
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _complete(self._buffer):
            return
        self._seconds.append(time.perf_counter() - self._sent)
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self._fail(f"answered {self._buffer[:200]!r}")
        elif time.perf_counter() >= self._until:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            if time.perf_counter() < self._until:
                self._fail(f"the connection was closed: {exc}")
            else:
                self._ended.set_result(None)

    def _send(self) -> None:
        self._buffer = b""
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _fail(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_exception(RuntimeError(reason))
        self._transport.close()


def _complete(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        return len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])
    return body.endswith(b"0\r\n\r\n")


async def _measure(port: int, request: bytes, connections: int, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    began, taken = time.perf_counter(), list[float]()
    ends = [loop.create_future() for _number in range(connections)]
    for end in ends:
        await loop.create_connection(
            functools.partial(Connection, request, began + seconds, end, taken),
            "127.0.0.1",
            port,
        )
    await asyncio.gather(*ends)
    return Measured(taken, time.perf_counter() - began)


def measure(port: int, request: bytes, connections: int, seconds: float) -> Measured:
    """Keep ``connections`` requests under way on a port of loopback for ``seconds``.

    :raises RuntimeError: when an answer is not 200 or a connection is closed.
    """
    return asyncio.run(_measure(port, request, connections, seconds))
