# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection of which nothing outlasts a deadline, however slowly the peer speaks."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import SplitResult


def seconds_left(until: float) -> float:
    """Seconds to the monotonic time ``until``; raises socket.timeout when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise socket.timeout("out of time")
    return left


def _resolve(host: str, port: int, until: float) -> list[Any]:
    """The addresses of a host. A resolver cannot be interrupted: it gets a thread, and we leave in time."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    found: list[Any] = []
    trouble: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            trouble.append(error)

    resolver = threading.Thread(target=ask, name="resolve", daemon=True)
    resolver.start()
    resolver.join(seconds_left(until))
    if trouble:
        raise (
            trouble[0] if isinstance(trouble[0], OSError) else OSError("the host's name cannot be looked up")
        )
    if not found:
        raise socket.timeout("the resolver did not answer")
    return found


def _connect(host: str, port: int, until: float) -> socket.socket:
    """Connect to the first address that takes us; each gets its share of the time."""
    addresses = _resolve(host, port, until)
    trouble: OSError = OSError("the host has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        try:
            peer = socket.socket(family, kind, protocol)
        except OSError as error:
            trouble = error
            continue
        try:
            peer.settimeout(seconds_left(until) / (len(addresses) - number))
            peer.connect(address)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return peer
        except OSError as error:
            peer.close()
            trouble = error
    raise trouble


class _Reader(io.RawIOBase):
    def __init__(self, owner: _TimedSocket, raw: Any) -> None:
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        self._owner.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedSocket:
    """What http.client needs of a socket; before each operation the time that is left becomes its limit."""

    def __init__(self, connection: Connection, peer: socket.socket) -> None:
        self._connection = connection
        self._peer = peer

    def arm(self) -> None:
        self._peer.settimeout(seconds_left(self._connection.until))

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self.arm()
            view = view[self._peer.send(view) :]

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._peer.makefile("rb", buffering=0)))

    def quiet(self) -> bool:
        """Whether the peer has neither sent anything nor closed: only then is it of use again."""
        poll = select.poll()
        poll.register(self._peer.fileno(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._peer.close()


class Connection(http.client.HTTPConnection):
    """An HTTP or HTTPS connection; all of its work ends at the monotonic time ``until``.

    No proxy of the environment is used: a probe asks the server itself.
    """

    def __init__(self, parts: SplitResult) -> None:
        self._tls = parts.scheme == "https"
        self.default_port = 443 if self._tls else 80
        super().__init__(parts.hostname or "", parts.port or self.default_port)
        self.until = time.monotonic()
        self._timed: _TimedSocket | None = None

    def connect(self) -> None:
        """Connect, and agree on TLS where the URL says so."""
        peer = _connect(self.host, self.port, self.until)
        try:
            if self._tls:
                peer.settimeout(seconds_left(self.until))
                peer = ssl.create_default_context().wrap_socket(peer, server_hostname=self.host)
        except BaseException:
            peer.close()
            raise
        self._timed = _TimedSocket(self, peer)
        self.sock = self._timed

    def reusable(self) -> bool:
        """Whether there is a connection that the next request can go over."""
        return self.sock is not None and self._timed is not None and self._timed.quiet()
