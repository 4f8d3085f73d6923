# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that serves and of which no journal knows: it was lost, or moved away because it was damaged.

What serves is taken for the active slot, of unknown configuration. So the next update goes to the other slot
and leaves this one alone until it has been proven and switched to, as any update does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..definition.server import ServerDefinition
from ..edge.maps import ServerMaps, Target
from ..journal.record import SLOTS, Deployment, Record, Transaction, other
from ..slot.spec import SlotSpec
from .host import Host, port_of
from .ports import free_ports


def adopt(host: Host, definition: ServerDefinition, record: Record) -> Record:
    """The record, or where it knows of nothing one of what serves; one that is older than what serves (it was
    put back from a copy) with that added. Nothing is written.

    :raises FleetError: when the edge or the process driver cannot be asked.
    """
    if record.slots or record.transaction:
        return _brought_up_to_date(host, definition, record) if definition.over_http else record
    if not definition.over_http:
        slot = host.launchers.pointed(definition.name)
        return record if slot is None else _with(host, definition, record, slot, None)
    part = host.edge.standing(definition.name)
    target = part.generations.get(part.active) if part.active is not None else None
    if target is None:
        return record
    slot = _holder(host, definition, target)
    ports = _ports(host, definition, part, target.port, slot)
    record = replace(record, ports=ports, generation=max(part.generations))
    record = _with(host, definition, record, slot, target)
    return _with_drain(host, definition, record, slot, part.generations.values())


def _brought_up_to_date(host: Host, definition: ServerDefinition, record: Record) -> Record:
    part = host.edge.standing(definition.name)
    record = replace(record, generation=max((record.generation, *part.generations)))
    target = part.generations.get(part.active) if part.active is not None else None
    slot = next((slot for slot in SLOTS if target and target.port == port_of(record, slot)), None)
    if record.transaction is not None or slot is None or slot in record.slots:
        return record
    # A file that was edited by hand tells nothing of what serves.
    serves = host.edge.running(definition.name) == part and host.driver.status(definition.name, slot).pid
    return _with(host, definition, record, slot, target) if serves else record


def _with(
    host: Host, definition: ServerDefinition, record: Record, slot: str, target: Target | None
) -> Record:
    deployment = _deployment(host, definition, slot, target)
    return replace(record, slots={**record.slots, slot: deployment}, active=slot)


def _with_drain(
    host: Host, definition: ServerDefinition, record: Record, slot: str, targets: Iterable[Target]
) -> Record:
    """With the other slot too, where sessions may still lead to it: it is drained before it is used again."""
    beside = other(slot)
    left = next((target for target in targets if target.port == port_of(record, beside)), None)
    if left is None:
        return record
    now = host.senses.now()
    return replace(
        record,
        slots={**record.slots, beside: _deployment(host, definition, beside, left)},
        transaction=Transaction(
            kind="update",
            origin=beside,
            target=slot,
            generation=record.generation,
            started=now,
            step="baked",
            switched=now,
            baked=now,
        ),
    )


def _deployment(host: Host, definition: ServerDefinition, slot: str, target: Target | None) -> Deployment:
    spec = host.files.read(definition.name, slot)
    release = next((item for item in host.releases.all() if spec and _starts(spec, item.path)), None)
    return Deployment(
        registry_type=release.package.registry_type if release else "",
        identifier=release.package.identifier if release else "unknown",
        version=release.package.version if release else "unknown",
        release=release.digest if release else "",
        path=str(release.path) if release else "",
        configuration={
            "transport": definition.transport,
            "path": target.path if target else None,
            **({"serve": definition.serve} if definition.bridged else {}),
        },
        configuration_digest="",
        address=target.address if target else None,
    )


def _starts(spec: SlotSpec, path: Path) -> bool:
    return any(word.startswith(f"{path}/") for word in spec.argv)


def _holder(host: Host, definition: ServerDefinition, target: Target) -> str:
    """The slot whose process listens there; where none does, the one whose files speak of that port, else the
    one that the definition gives it, else one whose files are gone: clients reach nothing then, either way.
    """
    server = definition.name
    for slot in SLOTS:
        pid = host.driver.status(server, slot).pid
        if pid is not None and host.senses.owns_port(pid, target.port):
            return slot
    specs = {slot: host.files.read(server, slot) for slot in SLOTS}
    for slot, spec in specs.items():
        words = (*spec.argv, *spec.environment.values()) if spec else ()
        if any(re.search(rf"(?<!\w){target.port}(?!\w)", word) for word in words):
            return slot
    without = [slot for slot, spec in specs.items() if spec is None]
    return dict(zip(definition.ports or (), SLOTS)).get(target.port, (*without, *SLOTS)[0])


def _ports(
    host: Host, definition: ServerDefinition, part: ServerMaps, port: int, slot: str
) -> tuple[int, int]:
    """Blue's and green's port; the other slot's is asked for, known to the edge, or free."""
    if definition.ports and definition.ports[SLOTS.index(slot)] == port:
        return definition.ports
    known = {target.port for target in part.generations.values()} - {port}
    pair = {
        slot: port,
        other(slot): known.pop() if known else free_ports(host, definition.name, 1, {port})[0],
    }
    return pair["blue"], pair["green"]
