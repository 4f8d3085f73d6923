# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry: observe, plan, act; and when an act fails, go back at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..audit.account import Account
from ..audit.account import Change as Entry
from ..contract.hidden import visible
from ..definition.server import ServerDefinition, way_of
from ..errors import FleetError, explained
from ..journal.record import Deployment, Record, Result, Transaction, other
from ..protection.permit import Change, Permit, permit
from .adopt import adopt
from .charge import (
    Charge,
    action_of,
    changes_of,
    removal_of,
    serving_of,
    told,
    with_protection,
)
from .host import Host
from .observe import Observed, observe
from .plan import Plan, plan_present, plan_recovered, plan_rolled_back, remaining
from .removal import plan_absent, remove
from .report import Report
from .steps import Steps

CHANGED = "the definition changed, or going back was asked for"


@dataclass(frozen=True)
class Outcome:
    """What a run did, or in check mode would do. ``before`` and ``after`` say in lines what serves;
    ``refused`` in check mode why a run would not do it."""

    plan: Plan
    record: Record
    serving: str | None
    report: Report
    before: tuple[str, ...]
    after: tuple[str, ...]
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its part of a module's result."""
        return {
            "changed": self.plan.changes,
            "plan": self.plan.lines(),
            "pending": self.plan.pending,
            "refused": self.refused,
            **self.report.to_json(),
            **describe(self.record, self.serving),
        }


def describe(record: Record, serving: str | None) -> dict[str, Any]:
    """A record as modules show it."""
    transaction = record.transaction
    active = record.slots.get(serving) if serving else None
    previous = record.slots.get(record.previous) if record.previous else None
    return {
        "server": record.server,
        "active": active
        and {
            "slot": serving,
            "version": active.version,
            "package": active.package,
            "registry_type": active.registry_type,
            "identifier": active.identifier,
            "release": active.release,
            "eras": list((active.offer or {}).get("eras", ())),
            "environment": _variables(active),
            "tools": sorted(map(visible, (active.offer or {}).get("tools", ()))),
        },
        "previous": previous
        and {"slot": record.previous, "version": previous.version, "package": previous.package},
        "generation": record.generation,
        "transaction": transaction
        and {
            "kind": transaction.kind,
            "step": transaction.step,
            "target": transaction.target,
            "origin": transaction.origin,
            "started": transaction.started.text(),
        },
        "last": record.last and {**vars(record.last), "at": record.last.at.text()},
    }


class UpdateFailed(FleetError):
    """An update that did not succeed, with what it did until then."""

    def __init__(self, error: FleetError, outcome: Outcome) -> None:
        super().__init__(error.tried, error.came_back, error.cure, error.server)
        self.outcome = outcome


class Converger:
    """Moves one server on one host. Each public method takes the server's lock for its whole run.

    :param lock_timeout: seconds to wait for another run on the same server.
    :param charge: who asks for it, and what allows it.
    """

    def __init__(
        self, host: Host, definition: ServerDefinition, lock_timeout: float, charge: Charge | None = None
    ) -> None:
        self._host = host
        self._definition = host.with_bridge(definition)
        self._lock_timeout = lock_timeout
        self._charge = charge or Charge()
        self._account = Account(host.trail, self._charge.who, lambda: host.senses.now().wall)
        self._report = Report()
        self._before: tuple[str, ...] = ()

    def present(self, phase: str, apply: bool) -> Outcome:
        """Bring the defined release into service as far as ``phase`` (a key of ``plan.PHASES``).

        :raises UpdateFailed: what was begun has been undone then; the release that served still serves.
        :raises FleetError: when it may not be changed now, or not be recorded; nothing was changed then.
        """
        with self._session(apply) as steps:
            self._check_transport(steps.record)
            if self._definition.over_http:
                self._host.edge.refuse_taken(self._definition.name, self._definition.route)
            observed = self._observe(steps)
            plan = with_protection(plan_present(observed, phase), steps.record, self._definition.protected)
            allowed = self._permit(steps, changes_of(plan, observed, self._definition))
            if not apply:
                self._look_at_eras(steps, keep=False)
                return self._foreseen(steps, plan, self._definition.package, allowed)
            action = action_of(plan, observed)
            with self._recorded(steps, plan, action, self._definition.package, allowed):
                # A run that changes nothing writes nothing; health checks and the host's timer keep it then.
                self._look_at_eras(steps, keep=plan.changes)
                self._sync(plan)
                try:
                    for prelude in plan.before:
                        self._prelude(steps, prelude)
                    for step in plan.steps:
                        steps.do(step)
                except FleetError as error:
                    self._go_back(steps, error.on(self._definition.name))
                    raise UpdateFailed(error.on(self._definition.name), self._outcome(steps, plan)) from error
            return self._outcome(steps, plan)

    def rolled_back(self, unfinished_only: bool, apply: bool) -> Outcome:
        """Go back from what is under way, or else from the last update.

        :raises UpdateFailed: when the earlier release does not come up again; what serves goes on serving.
        """
        with self._session(apply) as steps:
            plan = plan_rolled_back(self._observe(steps), unfinished_only)
            if not apply:
                return self._foreseen(steps, plan, self._way_back(steps))
            with self._recorded_way_back(steps, plan, "rollback"):
                return self._back(steps, plan, CHANGED)

    def recovered(self, due: Callable[[Record], bool], reason: str) -> Outcome | None:
        """End what a run that was cut off has left under way; None when it is not ``due`` any more.

        :param due: asked of the record once nobody else is at work on the server.
        :param reason: why it is not left to the next run.
        :raises LockHeld: when another run is at work on it.
        :raises UpdateFailed: when it could not be ended; what serves goes on serving.
        """
        with self._session(apply=True) as steps:
            if not due(steps.record):
                return None
            plan = plan_recovered(self._observe(steps))
            with self._recorded_way_back(steps, plan, "recovery"):
                return self._back(steps, plan, reason)

    def _back(self, steps: Steps, plan: Plan, reason: str) -> Outcome:
        self._sync(plan)
        try:
            for action in plan.before:
                self._prelude(steps, action, reason)
            if plan.steps:
                self._begin_rollback(steps, "asked for")
                self._carry_on(steps)
                self._report.rolled_back = True
        except FleetError as error:
            self._abandon_rollback(steps, error)
            raise UpdateFailed(error.on(self._definition.name), self._outcome(steps, plan)) from error
        return self._outcome(steps, plan)

    def absent(self, apply: bool) -> Outcome:
        """Take the server off this host.

        :raises UpdateFailed: when a part of it cannot be stopped; run again, it goes on.
        """
        with self._session(apply) as steps:
            plan = plan_absent(self._host, steps.record)
            self._before = _lines(steps.record, self._serving(steps))
            allowed = self._permit(steps, removal_of(steps.record) if plan.changes else [])
            if not apply or not plan.changes:
                return self._foreseen(steps, plan, None, allowed)
            with self._recorded(steps, plan, "removal", None, allowed):
                self._sync(plan)
                try:
                    self._remove(steps)
                except FleetError as error:
                    raise UpdateFailed(error.on(self._definition.name), self._outcome(steps, plan)) from error
            return self._outcome(steps, plan)

    def _permit(self, steps: Steps, changes: list[Change]) -> Permit:
        protected = steps.record.protected or self._definition.protected
        now = datetime.fromtimestamp(self._host.senses.now().wall, timezone.utc)
        return permit(changes, protected, self._charge.rules, now)

    @contextmanager
    def _recorded(
        self, steps: Steps, plan: Plan, action: str, wanted: str | None, allowed: Permit, needed: bool = True
    ) -> Iterator[None]:
        """A change between its two lines in the audit; what may not happen does not begin."""
        if needed and allowed.refusal is not None:
            raise allowed.refusal
        if not plan.changes:
            yield
            return
        before = serving_of(steps.record, self._serving(steps))
        begun = {"before": before, "wanted": wanted, "plan": plan.lines(), "allowed": allowed.basis}
        known = self._definition.credentials.values()
        with self._account.change(
            action, self._definition.name, begun, secrets=known, needed=needed
        ) as entry:
            try:
                yield
            except Exception:
                entry.result = "undone" if self._report.rolled_back else "failed"
                self._tell(steps, entry, before)
                raise
            self._tell(steps, entry, before)

    @contextmanager
    def _recorded_way_back(self, steps: Steps, plan: Plan, action: str) -> Iterator[None]:
        """The same of what is always allowed, for safety; what it lacks is on record."""
        name, package = self._definition.name, self._way_back(steps)
        version = (package or "nothing").rpartition("@")[2]
        lacking = self._permit(steps, [Change(name, "go back", version)])
        with self._recorded(steps, plan, action, package, lacking, needed=False):
            yield

    def _tell(self, steps: Steps, entry: Entry, before: dict[str, Any] | None) -> None:
        entry.told = {
            **told(self._report.to_json(), steps.record),
            "before": before,
            "after": serving_of(steps.record, self._serving(steps)),
        }
        if entry.told["reason"] is None and entry.result is None:
            return
        # Here a server's own words may be.
        try:
            entry.secrets |= set(self._host.secrets(self._definition.name).values())
        except (FleetError, OSError):
            entry.told["reason"] = (
                "left out: the server's credentials cannot be read, which it may have in it"
            )

    def _look_at_eras(self, steps: Steps, keep: bool) -> None:
        days = self._definition.update.era_in_use
        self._report.eras = self._host.eras_in_use(steps.record, days, keep)

    def _sync(self, plan: Plan) -> None:
        if plan.changes:
            self._host.sync(self._definition.name)

    def _remove(self, steps: Steps) -> None:
        remove(self._host, self._definition, steps)
        steps.record = Record(self._definition.name)

    def _check_transport(self, record: Record) -> None:
        """Edge and launcher are two ways to clients; a server cannot be moved between them under its name."""
        ways = {
            way_of(str(held.configuration.get("transport")), held.configuration.get("serve"))
            for held in record.slots.values()
        }
        if ways - {self._definition.way}:
            raise FleetError(
                f"serve it over {self._definition.way}",
                f"it is served over {', '.join(ways)}",
                "Give the new way a name of its own, or remove the server first (state: absent).",
                record.server,
            )

    def _observe(self, steps: Steps) -> Observed:
        try:
            observed = observe(self._host, self._definition, steps.record, steps.front)
        except FleetError as error:
            raise error.on(self._definition.name) from error
        self._before = _lines(steps.record, observed.serving)
        steps.record = observed.record
        return observed

    @contextmanager
    def _session(self, apply: bool) -> Iterator[Steps]:
        name = self._definition.name
        with explained(f"work on {name}"):
            try:
                if not apply:
                    yield self._steps()
                    return
                with self._host.journal.lock(name, self._lock_timeout):
                    yield self._steps()
            finally:
                self._look_at_audit()

    def _look_at_audit(self) -> None:
        if self._account.head is None:
            self._account.look()
        self._report.audit, self._report.audit_problem = self._account.head, self._account.problem

    def _steps(self) -> Steps:
        record = self._host.journal.load(self._definition.name)
        return Steps(self._host, self._definition, adopt(self._host, self._definition, record), self._report)

    def _outcome(self, steps: Steps, plan: Plan) -> Outcome:
        serving = self._serving(steps)
        return Outcome(plan, steps.record, serving, self._report, self._before, _lines(steps.record, serving))

    def _foreseen(
        self, steps: Steps, plan: Plan, package: str | None, allowed: Permit | None = None
    ) -> Outcome:
        """What will serve when the plan has been carried out."""
        after = (f"serves: {package or 'nothing'}",) if plan.changes else self._before
        refused = str(allowed.refusal) if allowed and allowed.refusal else None
        return Outcome(plan, steps.record, self._serving(steps), self._report, self._before, after, refused)

    def _serving(self, steps: Steps) -> str | None:
        try:
            return steps.front.serving()
        except FleetError:
            return steps.record.active

    def _way_back(self, steps: Steps) -> str | None:
        record, transaction = steps.record, steps.record.transaction
        return _package(record, transaction.origin if transaction else record.previous)

    def _prelude(self, steps: Steps, action: str, reason: str = CHANGED) -> None:
        actions = {
            "undo": lambda: self._undo(steps, reason),
            "finish": lambda: self._carry_on(steps),
            "prove": lambda: steps.await_active(steps.transaction.target),
            "remove": lambda: self._remove(steps),
            "restart": lambda: self._restart(steps),
            "protect": lambda: steps.save(replace(steps.record, protected=True)),
            "unprotect": lambda: steps.save(replace(steps.record, protected=False)),
            "edge": lambda: steps.front.synchronise(self._definition.route),
        }
        with explained(action):
            actions[action]()

    def _carry_on(self, steps: Steps) -> None:
        for step in remaining(steps.transaction):
            steps.do(step)

    def _restart(self, steps: Steps) -> None:
        """The active slot's process is gone for good: start it again where it is."""
        slot = steps.front.serving()
        spec = self._host.files.read(self._definition.name, slot) if slot else None
        if slot and spec:
            with self._report.step("restarted"):
                steps.start(slot, spec)
                steps.await_active(slot)

    def _go_back(self, steps: Steps, error: FleetError) -> None:
        """After a failed step: undo the transaction, and keep the reason with the record."""
        self._report.reason = str(error)
        transaction = steps.record.transaction
        # A removal is never taken back: the next run goes on with it.
        if transaction is None or transaction.kind == "remove":
            return
        try:
            with explained("go back"):
                if transaction.kind == "rollback":
                    self._abandon_rollback(steps, error)
                else:
                    self._undo(steps, str(error))
        except FleetError as second:
            self._report.reason = f"{error} — and going back failed: {second}"

    def _undo(self, steps: Steps, reason: str) -> None:
        """Go back from an update that is under way, from whichever step it had reached."""
        transaction = steps.transaction
        self._report.reason = reason
        if transaction.origin not in (None, steps.front.serving()):
            self._begin_rollback(steps, reason)
            self._carry_on(steps)
        else:
            with self._report.step("undone"):
                self._withdraw(steps, transaction, reason)
        self._report.rolled_back = True

    def _begin_rollback(self, steps: Steps, reason: str) -> None:
        """A switch back is a transaction of its own, from the slot that serves to the other."""
        record, unfinished = steps.record, steps.record.transaction
        serving = steps.front.serving() or (unfinished.target if unfinished else record.active)
        if serving is None:
            raise FleetError("roll back", "no slot is in service", "Deploy the server first.", record.server)
        steps.save(
            replace(
                record,
                generation=record.generation + 1,
                transaction=Transaction(
                    kind="rollback",
                    origin=serving,
                    target=other(serving),
                    generation=record.generation + 1,
                    started=self._host.senses.now(),
                    reason=reason,
                    displaced=unfinished.displaced if unfinished else None,
                ),
            )
        )

    def _withdraw(self, steps: Steps, transaction: Transaction, reason: str) -> None:
        """Stop the target slot, which has no clients unless it was the first; give it back what it held."""
        failed = steps.record.slots.get(transaction.target)
        evidence = self._host.log_tail(steps.record.server, transaction.target)
        # From here on what was started and proven no longer holds, should this be cut off.
        if transaction.reached("started"):
            steps.advance("staged")
        if transaction.origin is None:
            if failed and failed.activated:
                steps.front.close()
                steps.drain_slot(transaction.target, self._host.senses.now())
            steps.front.withdraw()
        steps.leave(transaction.target)
        record = replace(
            steps.record,
            slots={slot: held for slot, held in steps.record.slots.items() if slot != transaction.target},
            transaction=None,
            last=Result(
                kind=transaction.kind,
                outcome="undone",
                source=failed.package if failed else None,
                destination=_package(steps.record, transaction.origin),
                at=self._host.senses.now(),
                reason=reason,
                evidence=evidence or None,
            ),
        )
        if transaction.displaced is not None:
            record = steps.restore(record, transaction.target, transaction.displaced)
        else:
            steps.clear(transaction.target)
        steps.save(record)

    def _abandon_rollback(self, steps: Steps, error: FleetError) -> None:
        """The earlier release does not come up: what serves goes on serving, and a human is needed."""
        transaction = steps.record.transaction
        self._report.reason = str(error)
        if transaction is None or transaction.kind != "rollback" or transaction.reached("switched"):
            return
        serving = steps.front.serving()
        if serving == transaction.target:
            return
        if transaction.step is not None:
            steps.advance(None)
        steps.leave(transaction.target)
        steps.save(
            replace(
                steps.record,
                active=serving,
                previous=transaction.target if transaction.target in steps.record.slots else None,
                transaction=None,
                last=Result(
                    kind="rollback",
                    outcome="failed safe",
                    source=_package(steps.record, transaction.origin),
                    destination=_package(steps.record, transaction.target),
                    at=self._host.senses.now(),
                    reason=str(error),
                ),
            )
        )


def _variables(deployment: Deployment) -> list[str]:
    """Names of the variables that a deployment was given, those of credentials too."""
    given = deployment.configuration
    return sorted({*given.get("environment", ()), *given.get("credentials", ())})


def _package(record: Record, slot: str | None) -> str | None:
    deployment = record.slots.get(slot) if slot else None
    return deployment.package if deployment else None


def _lines(record: Record, serving: str | None) -> tuple[str, ...]:
    return (f"serves: {_package(record, serving) or 'nothing'}",)
