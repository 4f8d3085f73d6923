# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a transaction, each journaled when it is done, each fit to be done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..contract.offer import Offer
from ..definition.kept import kept
from ..definition.server import ServerDefinition
from ..errors import FleetError, explained
from ..host.sharing import announce
from ..journal.moment import Moment
from ..journal.record import Deployment, Record, Result, Transaction, other
from .bake import Bake, Warm
from .drain import drain
from .endpoints import slot_target
from .front import Front, front_of
from .host import Host, package_of, port_of, require_driver_for, settings_of
from .ports import with_ports
from .proof import Proof
from .proven import Proven, proven_offer
from .report import Report
from .slots import Slots


class Steps:
    """Carries one server's transaction on. ``record`` is always what the journal holds."""

    def __init__(self, host: Host, definition: ServerDefinition, record: Record, report: Report) -> None:
        self.host = host
        self.definition = definition
        self.record = record
        self.report = report
        self._proven = Proven(host, definition.name)
        self._answered: str | None = None
        self._actions: dict[str, Callable[[], None]] = {
            "staged": self._stage,
            "started": self._start,
            "ready": self._make_ready,
            "switched": self._switch,
            "baked": self._bake,
            "drained": self._drain,
            "settled": self._settle,
        }

    @property
    def front(self) -> Front:
        return front_of(self.host, self.definition, self.record)

    @property
    def slots(self) -> Slots:
        """What is done to its slots, as the record says that they are now."""
        return Slots(self.host, self.definition, self.record, self._proven, self.report)

    @property
    def _proof(self) -> Proof:
        return Proof(self.host, self.definition, self.record, self._proven, self.report)

    @property
    def transaction(self) -> Transaction:
        if self.record.transaction is None:
            raise FleetError(
                "go on with the update", "none is under way", "Run it again.", self.definition.name
            )
        return self.record.transaction

    def serving(self) -> str | None:
        """The slot that serves; the record's word for it where the edge cannot be asked."""
        try:
            return self.front.serving()
        except FleetError:
            return self.record.active

    def do(self, step: str) -> None:
        """Do one step, and journal that it is done."""
        with self.report.step(step), explained(f"bring the update to the step {step}"):
            self._actions[step]()

    def save(self, record: Record) -> None:
        """Make a new record durable, and go on from it.

        A change that is under way takes with it what it needs to be recovered, should this be the last of it.
        """
        if record.transaction is not None:
            record = replace(
                record,
                transaction=replace(
                    record.transaction,
                    progressed=self.host.senses.now(),
                    definition=kept(self.definition),
                ),
            )
        self.host.journal.save(record)
        self.record = record

    def advance(self, step: str | None, **changes: Any) -> None:
        """Journal which step of the transaction was the last that is done and still holds (None: none)."""
        self.save(replace(self.record, transaction=replace(self.transaction, step=step, **changes)))

    def _stage(self) -> None:
        """Install the release; begin the transaction; give the idle slot to it."""
        definition = self.definition
        require_driver_for(self.host.layout, definition)
        announce(self.host.effects, self.host.layout, self.host.senses.now().wall)
        release = self.host.releases.install(
            package_of(definition), timeout=definition.update.install_timeout
        )
        self.host.releases.program(release, settings_of(definition))
        self.host.sync_folders(release.path, *tuple(release.path.parents)[:3])
        record = with_ports(self.host, definition, self.record)
        front = front_of(self.host, definition, record)
        # Where nothing is served, the slot that served last is still the one to keep.
        origin = front.serving() or (record.active if record.active in record.slots else None)
        target = other(origin) if origin else "blue"
        displaced = record.slots.get(target) if record.previous == target else None
        if displaced is not None:
            displaced = self.slots.keep(target, displaced)
        deployment = Deployment(
            registry_type=definition.registry_type,
            identifier=definition.identifier,
            version=definition.version,
            release=release.digest,
            path=str(release.path),
            configuration=definition.configuration(),
            configuration_digest=definition.configuration_digest(),
            sha256=definition.sha256,
            definition=kept(definition),
        )
        self.save(
            replace(
                record,
                protected=record.protected or definition.protected,
                slots={**record.slots, target: deployment},
                previous=None if record.previous == target else record.previous,
                generation=record.generation + 1,
                transaction=Transaction(
                    kind="update",
                    origin=origin,
                    target=target,
                    generation=record.generation + 1,
                    started=self.host.senses.now(),
                    step="staged",
                    displaced=displaced,
                ),
            )
        )

    def _start(self) -> None:
        """An update starts what is defined; a rollback what the slot's files say."""
        target = self.transaction.target
        if self.transaction.kind == "update":
            self.slots.start(target, self.slots.defined(target))
        else:
            self.slots.start_again(target)
        self.advance("started")

    def _make_ready(self) -> None:
        target, transaction = self.transaction.target, self.transaction
        back = transaction.kind == "rollback"
        ready = self._proof.again(target) if back else self._proof.full(target, transaction.origin)
        deployment = self._proven.marked(target, self.record.slots[target])
        deployment = replace(deployment, offer=ready.offer.to_json(), address=ready.address)
        self.save(replace(self.record, slots={**self.record.slots, target: deployment}))
        self.front.prepare(target, transaction.generation, ready.address, deployment.endpoint)
        self.advance("ready")
        self._answered = target

    def await_active(self, slot: str) -> None:
        """Wait for a slot that was proven before to answer again."""
        self._proof.again(slot)
        self._answered = slot

    def _switch(self) -> None:
        """Move new clients over. What an earlier run proved may have ended since, or be coming up again."""
        target = self.transaction.target
        if self._answered != target:
            self.await_active(target)
        now = self.host.senses.now()
        deployment = self.record.slots[target]
        deployment = replace(deployment, activated=deployment.activated or now)
        self.save(
            replace(
                self.record,
                slots={**self.record.slots, target: deployment},
                transaction=replace(self.transaction, switched=now),
            )
        )
        seconds = self.front.switch(target, self.transaction.generation, self.definition.route)
        self.report.switch_ms = round(seconds * 1000, 3)
        self.advance("switched")

    def _bake(self) -> None:
        """Watch for the whole time, however long ago a run was killed in it that watched until then; not at
        all without an old slot to compare with or go back to."""
        transaction = self.transaction
        Bake(
            self.host, self.definition, self.front, transaction.target, self._warm(transaction.origin),
            proven_offer(self.record, transaction.target) or Offer(),
        ).watch(self.definition.update.bake if transaction.origin else 0.0)  # fmt: skip
        self.advance("baked", baked=self.host.senses.now())

    def _warm(self, slot: str | None) -> Warm | None:
        if slot is None:
            return None
        deployment, offer = self.record.slots[slot], proven_offer(self.record, slot) or Offer()
        port = port_of(self.record, slot)
        if not deployment.address or port is None:
            return Warm(slot, None, offer.eras)
        return Warm(
            slot,
            slot_target(self.host, self.definition, slot, deployment.address, port, deployment.endpoint),
            offer.eras,
        )

    def _drain(self) -> None:
        """Sessions of the slot that is left get the rest of their time since the switch."""
        transaction = self.transaction
        since = transaction.baked or transaction.switched or transaction.started
        if transaction.origin is not None:
            self.drain_slot(transaction.origin, since)
        self.advance("drained")

    def drain_slot(self, slot: str, since: Moment) -> None:
        """Wait for what is connected to a slot, and add it to what this run has drained before.

        :param since: when its time to drain began.
        """
        if not self.definition.over_http:
            return
        deployment = self.record.slots.get(slot)
        activated = deployment.activated if deployment else None
        drained = drain(
            self.front,
            self.host.senses,
            slot,
            seconds=max(0.0, self.definition.update.drain - self.host.senses.since(since)),
            serves=self.host.driver.status(self.definition.name, slot).pid is not None,
            since_active=self.host.senses.since(activated) if activated else float("inf"),
            session_idle=self.host.layout.edge.session_idle,
        )
        self.report.drained = self.report.drained + drained if self.report.drained else drained

    def _settle(self) -> None:
        """Stop the slot that is left; keep its release for a rollback, unless it was just gone back from."""
        transaction = self.transaction
        idle = transaction.origin or other(transaction.target)
        if idle in self.record.slots or self.slots.runs(idle):
            self.leave(idle)
        back = transaction.kind == "rollback"
        left = self.record.slots.get(transaction.origin) if transaction.origin else None
        record = replace(
            self.record,
            active=transaction.target,
            previous=None if back else transaction.origin,
            transaction=None,
            last=Result(
                kind=transaction.kind,
                outcome="rolled back" if back else "updated",
                source=left.package if left else None,
                destination=self.record.slots[transaction.target].package,
                at=self.host.senses.now(),
                reason=transaction.reason,
            ),
        )
        if back and transaction.displaced and transaction.origin:
            record = self.slots.give_back(record, transaction.origin, transaction.displaced)
        self.save(record)

    def leave(self, slot: str) -> None:
        """Let nothing reach a slot any more, and stop it."""
        self.front.retire(slot)
        self.slots.stop(slot)
