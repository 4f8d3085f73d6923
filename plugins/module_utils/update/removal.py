# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a server off a host: no new clients, drain, stop, forget. Releases stay; cleanup removes them."""

from __future__ import annotations

from dataclasses import replace

from ..definition.server import ServerDefinition
from ..journal.record import SLOTS, Record, Transaction
from .host import Host
from .plan import Plan
from .steps import Steps

REMOVAL = ("closed", "drained", "removed")


def plan_absent(host: Host, record: Record) -> Plan:
    """All of it, unless nothing is there."""
    there = bool(record.slots) or record.server in host.journal.servers()
    return Plan(steps=REMOVAL if there else ())


def remove(host: Host, definition: ServerDefinition, steps: Steps) -> None:
    """Carry a removal to its end; begun anew it goes on where it was."""
    name = definition.name
    transaction = steps.record.transaction
    if transaction is None or transaction.kind != "remove":
        transaction = Transaction(
            kind="remove", origin=steps.front.serving(), target="", generation=steps.record.generation,
            started=host.senses.now(),
        )  # fmt: skip
        steps.save(replace(steps.record, transaction=transaction))
    with steps.report.step("closed"):
        steps.front.close()
        if transaction.switched is None:
            transaction = replace(transaction, switched=host.senses.now())
            steps.save(replace(steps.record, transaction=transaction))
    with steps.report.step("drained"):
        # Both: an update may have been under way, and its old slot still have sessions.
        for slot in steps.record.slots:
            steps.drain_slot(slot, transaction.switched or transaction.started)
    with steps.report.step("removed"):
        steps.front.withdraw()
        for slot in SLOTS:
            steps.slots.clear(slot)
            host.kept.remove(name, slot)
        host.journal.remove(name)
