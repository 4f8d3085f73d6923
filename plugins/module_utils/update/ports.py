# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of slots: given out once per server, kept in its record."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..flock import held
from ..journal.record import Record
from .host import Host

_WAIT = 60.0


def with_ports(host: Host, definition: ServerDefinition, record: Record) -> Record:
    """The record with the ports of its slots, saved when they are new.

    :raises FleetError: when asked-for ports belong to another server, no two are left in the range, or
        another run gives ports out and does not end.
    """
    if not definition.over_http or (record.ports and definition.ports in (None, record.ports)):
        return record
    if record.ports and record.slots:
        raise FleetError(
            f"use ports {definition.ports}", f"its slots run on {record.ports}",
            "Ports are given once. Remove the server (state absent) and deploy it anew, or keep its ports.",
            definition.name,
        )  # fmt: skip
    with _allocation(host, definition.name):
        owners = taken(host)
        ports = definition.ports or free_ports(host, definition.name, 2)
        for port in ports:
            if owners.get(port, definition.name) != definition.name:
                raise FleetError(
                    f"use port {port}",
                    f"it belongs to {owners[port]}",
                    "Choose other ports.",
                    definition.name,
                )
        record = replace(record, ports=ports)
        host.journal.save(record)
    return record


def free_ports(host: Host, server: str, count: int, besides: Collection[int] = ()) -> tuple[int, ...]:
    """So many ports of this host's range, ``besides`` these, that no server has and nobody listens on.

    :raises FleetError: when there are not as many.
    """
    first, last = host.layout.ports
    given, used = {*taken(host), *besides}, host.senses.listeners
    free = (port for port in range(first, last + 1) if port not in given and not used(port))
    found = tuple(itertools.islice(free, count))
    if len(found) < count:
        raise FleetError(
            f"find {count} free ports from {first} to {last}", "there are too few left",
            "Widen mcp_slot_ports on this host.", server,
        )  # fmt: skip
    return found


def claim(host: Host, record: Record) -> None:
    """Save a record that brings its ports with it, as a backup's does.

    :raises FleetError: when another server has one of them, or another run gives ports out and does not end.
    """
    with _allocation(host, record.server):
        owners = taken(host)
        for port in record.ports:
            if owners.get(port, record.server) != record.server:
                raise FleetError(
                    f"use port {port}",
                    f"it belongs to {owners[port]}",
                    "Remove that server first.",
                    record.server,
                )
        host.journal.save(record)


def taken(host: Host) -> dict[int, str]:
    """Ports and the servers whose records have them, or whose clients the edge sends there: a record may be
    lost while nothing listens. A damaged record is its own server's trouble alone.
    """
    owners = host.edge.ports()
    for name in host.journal.servers():
        with contextlib.suppress(FleetError):
            owners.update(dict.fromkeys(host.journal.load(name).ports, name))
    return owners


@contextmanager
def _allocation(host: Host, server: str) -> Iterator[None]:
    host.effects.make_directory(host.layout.state, 0o700)
    with held(host.layout.state / ".ports.lock", _WAIT, server):
        yield
