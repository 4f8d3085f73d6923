# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that nobody listens at, and that no other run of tests on this machine is given.

They are below those that the kernel gives to clients, so that no connection takes one before its server does.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading

_BLOCKS = range(20000, 32500, 250)
"""Each process has a block of its own: it listens at the block's first port for as long as it runs."""


class _Block:
    def __init__(self) -> None:
        self._guard = _claim()
        first = self._guard.getsockname()[1]
        self._ports = range(first + 1, first + _BLOCKS.step)
        self._given = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> list[int]:
        """Ports in a row; those that were given longest ago come again when all were."""
        with self._lock:
            for _turn in range(len(self._ports)):
                if self._given + count > len(self._ports):
                    self._given = 0
                row = self._ports[self._given : self._given + count]
                self._given += 1
                with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                    for port in row:
                        stack.enter_context(socket.create_server(("127.0.0.1", port)))
                    self._given += count - 1
                    return list(row)
        raise AssertionError(f"no {count} ports in a row are free in {self._ports}")


def _claim() -> socket.socket:
    for first in _BLOCKS:
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", first))
    raise AssertionError(f"each of {_BLOCKS} is listened at")


_block = functools.cache(_Block)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago, one after the other."""
    return _block().take(count)
