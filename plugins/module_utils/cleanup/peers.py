# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a process's standard input: a pipe's writer, or a socket's peer."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

_PROC = "/proc"
_PLACE = re.compile(r"(pipe|socket):\[([0-9]+)\]")
_WRITES = 0o3
"""The part of ``flags`` in /proc/PID/fdinfo that says how a file was opened; 0: only for reading."""

_DIAG_BY_FAMILY, _DUMP, _DONE, _ERROR = 20, 0x301, 3, 2
_SHOW_PEER, _PEER = 4, 2
_NETLINK_SOCK_DIAG = 4


@dataclass(frozen=True)
class Peers:
    """Open pipes and sockets of all processes that may be looked at, by inode: holders, and whether each may
    write. ``peers`` has each connected unix socket's other end; None: it cannot be asked for."""

    held: Mapping[str, frozenset[tuple[int, bool]]]
    peers: Mapping[int, int] | None

    def holders(self, pid: int, own: set[int]) -> bool | None:
        """Whether a process outside ``own`` can still write to its input; None: that cannot be seen."""
        try:
            place = os.readlink(f"{_PROC}/{pid}/fd/0")
        except OSError:
            return None
        found = _PLACE.fullmatch(place)
        if not found:
            # A terminal may have somebody before it; from a file or /dev/null nobody can speak.
            return None if place.startswith(("/dev/pts/", "/dev/tty")) else False
        if found[1] == "pipe":
            return any(writes and holder not in own for holder, writes in self.held.get(place, ()))
        if self.peers is None:
            return None
        peer = self.peers.get(int(found[2]), 0)
        return bool(peer) and any(holder not in own for holder, _w in self.held.get(f"socket:[{peer}]", ()))


def peers_of() -> Peers:
    """Look at all processes that may be looked at."""
    held: dict[str, set[tuple[int, bool]]] = defaultdict(set)
    for name in os.listdir(_PROC):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"{_PROC}/{name}/fd"):
                with contextlib.suppress(OSError):
                    place = os.readlink(f"{_PROC}/{name}/fd/{descriptor}")
                    if _PLACE.fullmatch(place):
                        held[place].add((int(name), _writable(name, descriptor)))
    return Peers({place: frozenset(holders) for place, holders in held.items()}, _unix_peers())


def _writable(pid: str, descriptor: str) -> bool:
    with open(f"{_PROC}/{pid}/fdinfo/{descriptor}", encoding="ascii") as stream:
        flags = next((line.split()[1] for line in stream if line.startswith("flags:")), "1")
    return bool(int(flags, 8) & _WRITES)


def _unix_peers() -> dict[int, int] | None:
    """The inode of each unix socket's other end (sock_diag(7))."""
    request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_PEER, 0, 0)
    header = struct.pack("=IHHII", 16 + len(request), _DIAG_BY_FAMILY, _DUMP, 1, 0)
    found: dict[int, int] = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asked:
            asked.settimeout(5)
            asked.send(header + request)
            while True:
                data = asked.recv(1 << 18)
                while len(data) >= 16:
                    length, kind = struct.unpack_from("=IH", data)
                    if kind == _DONE:
                        return found
                    if kind == _ERROR or length < 16:
                        return None
                    _take(data[16:length], found)
                    data = data[(length + 3) & ~3 :]
    except OSError:
        return None


def _take(message: bytes, found: dict[int, int]) -> None:
    """One socket: unix_diag_msg (16 bytes, its inode from the 4th on), then attributes."""
    inode = struct.unpack_from("=I", message, 4)[0]
    place = 16
    while place + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, place)
        if kind == _PEER and length >= 8:
            found[inode] = struct.unpack_from("=I", message, place + 4)[0]
        if length < 4:
            return
        place += (length + 3) & ~3
