# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of slots: given out once per server, kept in its record."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..journal.record import Record
from ..slot.process import listeners
from .host import Host


def with_ports(host: Host, definition: ServerDefinition, record: Record) -> Record:
    """The record with the ports of its slots, saved when they are new.

    :raises FleetError: when asked-for ports belong to another server, or no two are left in the range.
    """
    if not definition.over_http or (record.ports and definition.ports in (None, record.ports)):
        return record
    if record.ports and record.slots:
        raise FleetError(
            f"use ports {definition.ports}", f"its slots run on {record.ports}",
            "Ports are given once. Remove the server (state absent) and deploy it anew, or keep its ports.",
            definition.name,
        )  # fmt: skip
    with _allocation(host):
        taken = {port: name for name in host.journal.servers() for port in host.journal.load(name).ports}
        ports = definition.ports or _free_pair(host, definition.name, set(taken))
        for port in ports:
            if taken.get(port, definition.name) != definition.name:
                raise FleetError(
                    f"use port {port}", f"it belongs to {taken[port]}", "Choose other ports.", definition.name
                )
        record = replace(record, ports=ports)
        host.journal.save(record)
    return record


def _free_pair(host: Host, server: str, taken: set[int]) -> tuple[int, int]:
    first, last = host.layout.ports
    free = (port for port in range(first, last + 1) if port not in taken and not listeners(port))
    pair = tuple(itertools.islice(free, 2))
    if len(pair) < 2:
        raise FleetError(
            f"find two free ports from {first} to {last}", "there are none left",
            "Widen mcp_slot_ports on this host.", server,
        )  # fmt: skip
    return pair[0], pair[1]


@contextmanager
def _allocation(host: Host) -> Iterator[None]:
    host.effects.make_directory(host.layout.state, 0o700)
    descriptor = os.open(host.layout.state / ".ports.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
