# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc says about processes: who listens where, who belongs to whom. Pure reads.

A process of another user is seen with its ids and parents; its sockets and its environment only by root.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .spec import is_name

SLOT_VARIABLE = "MCP_FLEET_SLOT"
"""In the environment of a slot's processes: ``SERVER/SLOT``."""

ROOT_VARIABLE = "MCP_FLEET_SLOTS"
"""In the environment of a slot's processes: the folder of all slots. It tells the fleets on one machine
(or the nodes of an embedded one) apart, which have slots of the same names."""

_PROC = Path("/proc")
_CONTAINER_TOOL = b"podman"
_MONITOR = b"conmon"
_UNIT = re.compile(rb":(/[^:\n]*/mcp-[a-z0-9-]+-(?:blue|green)\.service)(?:/[^\n]*)?$", re.MULTILINE)
_LISTEN = "0A"
_ENDED = "ZX"


@dataclass(frozen=True, order=True)
class Identity:
    """One process for certain: a pid is given again, but not with the same start (clock ticks after boot)."""

    pid: int
    ticks: int


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket and who holds it (empty where that may not be seen)."""

    address: str
    port: int
    pids: frozenset[int]


@dataclass(frozen=True)
class Launched:
    """The first process of a tree that was started in a slot; ``started`` is Unix time in seconds."""

    identity: Identity
    server: str
    slot: str
    started: float


@dataclass(frozen=True)
class _Stat:
    state: str
    parent: int
    group: int
    session: int
    ticks: int


def identity(pid: int) -> Identity | None:
    """The process that has this pid now, or None when none has or it ended (a zombie)."""
    stat = _stat(pid)
    return Identity(pid, stat.ticks) if stat and stat.state not in _ENDED else None


def alive(process: Identity) -> bool:
    """Whether exactly this process still runs."""
    return identity(process.pid) == process


def group(pid: int) -> set[int]:
    """The processes of the process group that this pid leads."""
    return {other for other, stat in _processes().items() if stat.group == pid}


def tree(pid: int) -> set[int]:
    """The process with all its descendants, and the members of the groups and sessions that they lead.

    Empty when there is no such process. A process that left its group and lost its parent is not found;
    ``marked`` finds it.
    """
    everyone = _processes()
    found = {pid} & everyone.keys()
    while True:
        more = {
            other
            for other, stat in everyone.items()
            if other not in found and (stat.parent in found or stat.group in found or stat.session in found)
        }
        if not more:
            return found
        found |= more


def identities(pids: set[int]) -> set[Identity]:
    """Those of the pids that run, for certain."""
    return {process for process in map(identity, pids) if process}


def marked(root: Path, server: str, slot: str) -> set[Identity]:
    """Every running process, wherever in the process tree, whose environment says that it is the slot's."""
    return {process for process, name in _marks(root) if name == f"{server}/{slot}"}


def launched(root: Path, server: str | None = None) -> list[Launched]:
    """What was started in the slots under ``root``: of each tree of processes the first, oldest first."""
    marks = [(process, name) for process, name in _marks(root) if server in (None, name.split("/")[0])]
    names = {process.pid: name for process, name in marks}
    everyone, boot = _processes(), _boot_time()
    found = []
    for process, name in marks:
        stat = everyone.get(process.pid)
        if stat and names.get(stat.parent) != name:
            of, _slash, slot = name.partition("/")
            found.append(Launched(process, of, slot, boot + process.ticks / os.sysconf("SC_CLK_TCK")))
    return sorted(found, key=lambda each: each.identity.ticks)


def listeners(port: int) -> list[Listener]:
    """Who listens on this port, on whatever address."""
    return _listeners(port, None)


def listeners_of(pid: int) -> list[Listener]:
    """The sockets on which the process or its descendants listen, or what runs in its container."""
    return _listeners(None, tree(pid) | _contained(pid))


def ports_of(pid: int) -> list[int]:
    """The ports on which the process or its descendants listen, in order."""
    return sorted({listener.port for listener in listeners_of(pid)})


def owns_port(pid: int, port: int) -> Listener | None:
    """The socket by which the process or a descendant listens on the port; IPv4 where there are several."""
    own = [listener for listener in listeners_of(pid) if listener.port == port]
    return min(own, key=lambda listener: (":" in listener.address, listener.address), default=None)


def parse_listening(table: str) -> list[tuple[str, int, int]]:
    """Address, port and inode of the listening sockets in the text of /proc/net/tcp or tcp6 (proc(5))."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            address, port = fields[1].split(":")
            found.append((_address(address), int(port, 16), int(fields[9])))
    return found


def _address(text: str) -> str:
    """The kernel prints an address as 32-bit words in the byte order of the machine."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _contained(pid: int) -> set[int]:
    """The processes in a container that podman started: no descendants of it, but of its monitor, which has
    left. They began after podman did."""
    first = identity(pid)
    if first is None or _command(pid) != _CONTAINER_TOOL:
        return set()
    unit = _unit(pid)
    inside = {other for other in _pids() if _unit(other) == unit} if unit else _monitored(pid)
    return {process.pid for process in identities(inside) if process.ticks >= first.ticks}


def _monitored(pid: int) -> set[int]:
    """What has the mark of a podman that no unit holds. Anybody may write that into an environment: of others
    than podman's account it counts only below a monitor of that account's."""
    own = dict(
        variable.split(b"=", 1)
        for variable in (_read(_PROC / str(pid) / "environ") or b"").split(b"\0")
        if b"=" in variable
    )
    root, name = own.get(ROOT_VARIABLE.encode()), own.get(SLOT_VARIABLE.encode())
    if root is None or name is None:
        return set()
    everyone, account = _processes(), account_of(pid)
    found: set[int] = set()
    for process, mark in _marks(Path(os.fsdecode(root))):
        stat = everyone.get(process.pid)
        if mark == name.decode("utf-8", "replace") and stat:
            monitored = _command(stat.parent) == _MONITOR and account_of(stat.parent) == account
            if monitored or account_of(process.pid) == account:
                found |= tree(process.pid)
    return found


def account_of(pid: int) -> int | None:
    """The user id that a process has; None where there is no such process."""
    for line in (_read(_PROC / str(pid) / "status") or b"").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[1])
    return None


def _unit(pid: int) -> bytes | None:
    """The cgroup of a slot's unit that a process is in."""
    found = _UNIT.search(_read(_PROC / str(pid) / "cgroup") or b"")
    return found[1] if found else None


def _command(pid: int) -> bytes:
    return (_read(_PROC / str(pid) / "comm") or b"").strip()


def _listeners(port: int | None, pids: set[int] | None) -> list[Listener]:
    """The listening sockets, narrowed to a port, or to those that one of the pids holds."""
    tables = (_read(_PROC / "net" / name) or b"" for name in ("tcp", "tcp6"))
    sockets = [
        socket for table in tables for socket in parse_listening(table.decode()) if port in (None, socket[1])
    ]
    holders = _holders({inode for _where, _port, inode in sockets}, pids)
    return [
        Listener(address, number, frozenset(holders.get(inode, ())))
        for address, number, inode in sockets
        if pids is None or inode in holders
    ]


def _holders(inodes: set[int], pids: set[int] | None) -> dict[int, set[int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, set[int]] = {}
    if not wanted:
        return found
    for pid in pids if pids is not None else _pids():
        try:
            with os.scandir(_PROC / str(pid) / "fd") as entries:
                for entry in entries:
                    inode = wanted.get(_link(entry.path))
                    if inode is not None:
                        found.setdefault(inode, set()).add(pid)
        except OSError:
            continue
    return found


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _marks(root: Path) -> Iterator[tuple[Identity, str]]:
    """Every running process of a slot under ``root``, ourselves apart, with its ``SERVER/SLOT``.

    Anybody may write a mark into an environment: what names no server is none.
    """
    prefix = f"{SLOT_VARIABLE}=".encode()
    home = f"{ROOT_VARIABLE}=".encode() + os.fsencode(root)
    for pid in _pids():
        process = identity(pid)
        variables = (_read(_PROC / str(pid) / "environ") or b"").split(b"\0")
        if process and home in variables and pid != os.getpid():
            names = [variable[len(prefix) :] for variable in variables if variable.startswith(prefix)]
            name = names[-1].decode("utf-8", "replace") if names else ""
            if is_name(name.partition("/")[0]) and alive(process):
                yield process, name


def _processes() -> dict[int, _Stat]:
    stats = ((pid, _stat(pid)) for pid in _pids())
    return {pid: stat for pid, stat in stats if stat}


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]


def _stat(pid: int) -> _Stat | None:
    text = _read(_PROC / str(pid) / "stat")
    if not text:
        return None
    # The name of the program stands in parentheses and may hold any character, a parenthesis too.
    fields = text[text.rindex(b")") + 2 :].split()
    return _Stat(fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def _boot_time() -> float:
    for line in (_read(_PROC / "stat") or b"").splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return 0.0


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
