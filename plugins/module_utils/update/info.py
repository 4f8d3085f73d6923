# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host runs, read from its journal, processes and edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import FleetError, explained
from ..journal.record import SLOTS, Record
from .front import EdgeFront, Front, LauncherFront
from .host import Host, port_of
from .outcome import describe

_EMPTY: Mapping[str, Any] = {"slots": {}, "consistent": None, "url": None, "problem": None}


def servers_of(host: Host, name: str | None, days: float = 7, keep: bool = True) -> list[dict[str, Any]]:
    """One entry a server of which there is a record, or only the one named ``name``; one whose record cannot
    be read is there with its ``problem``.

    :param days: for how long a use of an era counts.
    :param keep: write down what is new of the eras that clients use.
    """
    with explained("read what this host runs"):
        names = [server for server in host.journal.servers() if name in (None, server)]
        return [_of(host, server, days, keep) for server in names]


def _of(host: Host, server: str, days: float, keep: bool) -> dict[str, Any]:
    try:
        record = host.journal.load(server)
        entry = _entry(host, record)
    except FleetError as error:
        record, keep = Record(server), False
        entry = {**describe(record, None), **_EMPTY, "problem": str(error)}
    return {**entry, "eras_in_use": host.eras_in_use(record, days, keep).to_json()}


def _entry(host: Host, record: Record) -> dict[str, Any]:
    front: Front = (EdgeFront if record.ports else LauncherFront)(host, record)
    entry: dict[str, Any] = dict(_EMPTY)
    try:
        serving = front.serving()
        entry.update(describe(record, serving))
        entry["consistent"] = front.consistent(None)
        entry["url"] = front.address()
        entry["slots"] = {slot: _slot(host, record, front, slot) for slot in SLOTS if slot in record.slots}
    except FleetError as error:
        entry.update(describe(record, record.active))
        entry["problem"] = str(error)
    return entry


def _slot(host: Host, record: Record, front: Front, slot: str) -> dict[str, Any]:
    connected = front.connected(slot)
    process = host.driver.status(record.server, slot) if record.ports else None
    return {
        "version": record.slots[slot].version,
        "package": record.slots[slot].package,
        "release": record.slots[slot].release,
        "state": process.state if process else None,
        "pid": process.pid if process else None,
        "port": port_of(record, slot),
        "sessions": connected.sessions,
        "open_requests": connected.open_requests,
    }
