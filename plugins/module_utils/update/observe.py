# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there before anything is planned: the journal's intent, and the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..definition.server import ServerDefinition
from ..journal.record import SLOTS, Deployment, Record, Transaction
from ..slot.driver import Process
from .front import Front
from .host import Host, package_of, port_of


@dataclass(frozen=True)
class Observed:
    """``consistent``: what runs at the edge is what survives a restart, and has the definition's route;
    ``agreeing``: the first of it. ``matching`` are the slots that hold just what is desired, files and
    credentials included. ``additions``: files of somebody else's that change how a slot is run;
    ``returning``: whether a host that restarts starts what serves."""

    record: Record
    serving: str | None
    consistent: bool
    processes: Mapping[str, Process]
    matching: frozenset[str]
    agreeing: bool = True
    additions: tuple[str, ...] = ()
    returning: bool = True

    @property
    def serving_deployment(self) -> Deployment | None:
        return self.record.slots.get(self.serving) if self.serving else None


def observe(host: Host, definition: ServerDefinition, record: Record, front: Front) -> Observed:
    """Look at files, processes and edge.

    :raises FleetError: when the edge of an HTTP server or the process driver cannot be asked.
    """
    serving = front.serving()
    return Observed(
        record=replace(record, transaction=_true(record.transaction, serving)),
        serving=serving,
        consistent=serving is None or front.consistent(definition.route),
        processes={slot: host.driver.status(record.server, slot) for slot in SLOTS}
        if definition.over_http
        else {},
        matching=frozenset(slot for slot in record.slots if _matches(host, definition, record, slot)),
        agreeing=serving is None or front.consistent(None),
        additions=tuple(
            path
            for slot in record.slots
            if definition.over_http
            for path in host.driver.additions(record.server, slot)
        ),
        returning=serving is None or not definition.over_http or _returns(host, record.server, serving),
    )


def _returns(host: Host, server: str, slot: str) -> bool:
    """A slot whose files are gone is another matter: see ``matching``."""
    spec = host.files.read(server, slot)
    return spec is None or host.driver.returns(spec)


def _true(transaction: Transaction | None, serving: str | None) -> Transaction | None:
    """A switch that the journal has as done, and that somebody took back at the edge, is to be done again.

    One back that the edge has made (it was restarted with what a run that was cut off had written) is done,
    also where the earlier release does not answer any more: its clients are there, and what is left of the
    transaction must not stand in the way of another release.
    """
    if transaction is None:
        return None
    if transaction.reached("switched"):
        return transaction if serving == transaction.target else replace(transaction, step="started")
    made = transaction.kind == "rollback" and transaction.reached("ready") and serving == transaction.target
    return replace(transaction, step="switched") if made else transaction


def same_deployment(definition: ServerDefinition, deployment: Deployment) -> bool:
    """Whether a deployment is of the definition's package version and configuration."""
    return (
        (deployment.registry_type, deployment.identifier, deployment.version, deployment.sha256)
        == (definition.registry_type, definition.identifier, definition.version, definition.sha256)
        and deployment.configuration_digest == definition.configuration_digest()
    )  # fmt: skip


def _matches(host: Host, definition: ServerDefinition, record: Record, slot: str) -> bool:
    deployment = record.slots[slot]
    if not same_deployment(definition, deployment) or not host.has_release(deployment):
        return False
    if not host.releases.agrees(package_of(definition), deployment.release):
        return False
    spec = host.slot_spec(definition, deployment, slot, port_of(record, slot))
    return host.driver.holds(spec) if definition.over_http else host.launchers.placed(spec)
