# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server processes that belong to no slot and no living client: found, and on request ended."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import FleetError
from ..journal.record import SLOTS, Record
from ..slot.ending import end_all
from ..slot.process import Identity, Launched, alive, identities, tree
from ..update.host import Host
from .peers import Peers, peers_of

CLIENT_VARIABLE = "MCP_FLEET_CLIENT"
"""In the environment of a slot's processes, from mcp-launch: ``PID:TICKS`` of who started it."""

GRACE = 10.0
"""Seconds that a process must have run: one that is just being started may belong to nobody yet."""

_STOP = 10.0
_UNIT = re.compile(r"/mcp-([a-z0-9][a-z0-9-]*)-(blue|green)\.service")
_REAPERS = ("systemd", "init")


@dataclass(frozen=True)
class Orphan:
    """The first process of a tree that nobody uses; ``seconds`` it has run."""

    identity: Identity
    server: str
    slot: str
    why: str
    seconds: float


def find_orphans(host: Host, records: Iterable[Record], now: float) -> list[Orphan]:
    """All of them. What cannot be seen well enough is none.

    :param now: Unix time.
    """
    known = {record.server: record for record in records}
    # Taken once, and only where there is somebody to ask it about.
    peers = functools.lru_cache(maxsize=1)(peers_of)
    found = []
    for launched in [*host.senses.launched(host.files.root), *_in_units(host)]:
        if now - launched.started < GRACE:
            continue
        why = _why(host, known.get(launched.server), launched, peers)
        if why and alive(launched.identity):
            orphan = Orphan(
                launched.identity, launched.server, launched.slot, why, round(now - launched.started, 1)
            )
            found.append(orphan)
    return found


def end(host: Host, orphan: Orphan, still: Callable[[], bool]) -> int:
    """End an orphan and what it started; how many processes got a signal.

    :param still: whether it is one at this moment; asked once its server's lock is held.
    :raises FleetError: when another run is at work on its server, or something does not end.
    """
    with host.journal.lock(orphan.server, 0):
        if not still():
            return 0
        members = identities(tree(orphan.identity.pid)) if alive(orphan.identity) else set()
        return end_all(
            host.effects,
            orphan.server,
            orphan.slot,
            lambda: {member for member in members if alive(member)},
            _STOP,
        ).signalled


def _why(host: Host, record: Record | None, launched: Launched, peers: Callable[[], Peers]) -> str | None:
    """Why nobody uses a process; None: somebody does, or may."""
    if launched.slot not in SLOTS:
        return None
    over_http = _over_http(host, record, launched)
    if over_http is None:
        return None
    return _of_slot(host, launched) if over_http else _of_client(launched, peers)


def _over_http(host: Host, record: Record | None, launched: Launched) -> bool | None:
    """Whether a supervisor keeps such a process (else a client starts it); None: nobody can tell."""
    if record and record.slots:
        return bool(record.ports)
    spec = host.files.read(launched.server, launched.slot)
    if spec:
        return not spec.inherit_environment
    # Nothing of the server is left here, so no supervisor has it; a client still may.
    return False


def _of_slot(host: Host, launched: Launched) -> str | None:
    try:
        status = host.driver.status(launched.server, launched.slot)
    except FleetError:
        return None
    if status.pid is not None or status.state in ("running", "starting"):
        return None
    return f"its slot is {status.state}"


def _of_client(launched: Launched, peers: Callable[[], Peers]) -> str | None:
    """A process of a client has lost it when that ended and nobody is left at the other end of its input."""
    pid = launched.identity.pid
    if _client_lives(pid):
        return None
    own = tree(pid)
    if peers().holders(pid, own) is not False:
        return None
    return "its client has ended"


def _client_lives(pid: int) -> bool:
    """Whether who started a process is still its parent; one that has ended is not."""
    parent = _parent(pid)
    given = _environment(pid).get(CLIENT_VARIABLE, "")
    if re.fullmatch("[0-9]+:[0-9]+", given):
        client, ticks = map(int, given.split(":"))
        return client == parent and alive(Identity(client, ticks))
    # An older launcher left no word of it. Who is not root does not see all who could speak to it.
    return os.geteuid() != 0 or (parent != 1 and _command(parent) not in _REAPERS)


def _in_units(host: Host) -> list[Launched]:
    """What runs in units of slots whose environment does not say so (only root sees it anyway)."""
    if host.layout.driver.get("name") != "systemd":
        return []
    marked = {each.identity.pid for each in host.senses.launched(host.files.root)}
    found: dict[int, tuple[str, str]] = {}
    for name in os.listdir("/proc"):
        unit = _UNIT.search(_read(f"/proc/{name}/cgroup")) if name.isdigit() else None
        if unit:
            found[int(name)] = (unit[1], unit[2])
    inside = set().union(*(tree(pid) for pid in marked)) if marked else set[int]()
    first = {pid: of for pid, of in found.items() if pid not in inside and _parent(pid) not in found}
    return [Launched(process, *first[process.pid], _started(process)) for process in identities(set(first))]


def _started(process: Identity) -> float:
    """Unix time in seconds."""
    since_boot = float(_read("/proc/uptime").split()[0])
    return time.time() - since_boot + process.ticks / os.sysconf("SC_CLK_TCK")


def _environment(pid: int) -> Mapping[str, str]:
    entries = _read(f"/proc/{pid}/environ").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def _parent(pid: int) -> int:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _command(pid: int) -> str:
    return _read(f"/proc/{pid}/comm").strip()


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""
