# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry: observe, plan, act; and when an act fails, go back at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..definition.server import ServerDefinition, way_of
from ..errors import FleetError, explained, understood
from ..journal.record import Record
from ..protection.permit import Permit
from .adopt import adopt
from .audited import Audited
from .charge import Charge, action_of, changes_of, removal_of, with_protection
from .host import Host
from .observe import Observed, observe
from .outcome import Outcome, UpdateFailed, held_by, serving_lines
from .plan import Plan, plan_present, plan_recovered, plan_rolled_back
from .removal import plan_absent, remove
from .report import Report
from .steps import Steps
from .way_back import abandon_rollback, begin_rollback, carry_on, clear_way, finish, go_back, undo

CHANGED = "the definition changed, or going back was asked for"


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
        self._report = Report()
        self._audited = Audited(host, self._definition, charge or Charge(), self._report)
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
            allowed = self._audited.permit(steps.record, changes_of(plan, observed, self._definition))
            if not apply:
                self._look_at_eras(steps, keep=False)
                return self._foreseen(steps, plan, self._definition.package, allowed)
            action = action_of(plan, observed)
            with self._audited.change(steps, plan, action, self._definition.package, allowed):
                # A run that changes nothing writes nothing; health checks and the host's timer keep it then.
                self._look_at_eras(steps, keep=plan.changes)
                self._sync(plan)
                try:
                    for prelude in plan.before:
                        self._prelude(steps, prelude, follows="staged" in plan.steps)
                    for step in plan.steps:
                        steps.do(step)
                except Exception as error:  # a mistake of our own too: no client stays on what is not proven
                    said = go_back(steps, understood("update", error).on(self._definition.name))
                    raise UpdateFailed(said, self._outcome(steps, plan)) from error
            return self._outcome(steps, plan)

    def rolled_back(self, unfinished_only: bool, apply: bool, generation: int | None = None) -> Outcome:
        """Go back from what is under way, or else from the last update.

        :param generation: with ``unfinished_only``, only from the change that has this one.
        :raises UpdateFailed: when the earlier release does not come up again; what serves goes on serving.
        """
        with self._session(apply) as steps:
            self._as_served(steps)
            plan = plan_rolled_back(self._observe(steps), unfinished_only, generation)
            if plan.steps and steps.record.previous:
                steps.slots.require_startable(steps.record.previous)
            if not apply:
                return self._foreseen(steps, plan, self._way_back(steps))
            with self._audited.way_back(steps, plan, "rollback", self._way_back(steps)):
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
            with self._audited.way_back(steps, plan, "recovery", self._way_back(steps)):
                return self._back(steps, plan, reason)

    def _back(self, steps: Steps, plan: Plan, reason: str) -> Outcome:
        self._sync(plan)
        try:
            for action in plan.before:
                self._prelude(steps, action, reason)
            if plan.steps:
                begin_rollback(steps, "asked for")
                carry_on(steps)
                self._report.rolled_back = True
        except FleetError as error:
            abandon_rollback(steps, error)
            raise UpdateFailed(error.on(self._definition.name), self._outcome(steps, plan)) from error
        return self._outcome(steps, plan)

    def absent(self, apply: bool) -> Outcome:
        """Take the server off this host.

        :raises UpdateFailed: when a part of it cannot be stopped; run again, it goes on.
        """
        with self._session(apply) as steps:
            self._as_served(steps)
            plan = plan_absent(self._host, steps.record)
            self._before = serving_lines(steps.record, steps.serving())
            allowed = self._audited.permit(steps.record, removal_of(steps.record) if plan.changes else [])
            if not apply or not plan.changes:
                return self._foreseen(steps, plan, None, allowed)
            with self._audited.change(steps, plan, "removal", None, allowed):
                self._sync(plan)
                try:
                    self._remove(steps)
                except FleetError as error:
                    raise UpdateFailed(error.on(self._definition.name), self._outcome(steps, plan)) from error
            return self._outcome(steps, plan)

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

    def _as_served(self, steps: Steps) -> None:
        """Going back and removing concern what is there: it is left the way it is served, not as defined."""
        for held in steps.record.slots.values():
            transport, serve = held.configuration.get("transport"), held.configuration.get("serve")
            if transport and way_of(str(transport), serve) != self._definition.way:
                given = {"transport": transport, "serve": serve or "launcher"}
                self._definition = steps.definition = replace(self._definition, **given)

    def _observe(self, steps: Steps) -> Observed:
        try:
            observed = observe(self._host, self._definition, steps.record, steps.front)
        except FleetError as error:
            raise error.on(self._definition.name) from error
        self._before = serving_lines(steps.record, observed.serving)
        self._report.warnings += [
            f"{path} changes how the slot is run, and the other slot is run without it: say it in the"
            " definition (service), and remove the file (systemctl revert)"
            for path in observed.additions
        ]
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
                self._audited.look()

    def _steps(self) -> Steps:
        record = self._host.journal.load(self._definition.name)
        return Steps(self._host, self._definition, adopt(self._host, self._definition, record), self._report)

    def _outcome(self, steps: Steps, plan: Plan) -> Outcome:
        serving = steps.serving()
        return Outcome(
            plan, steps.record, serving, self._report, self._before, serving_lines(steps.record, serving)
        )

    def _foreseen(
        self, steps: Steps, plan: Plan, package: str | None, allowed: Permit | None = None
    ) -> Outcome:
        """What will serve when the plan has been carried out."""
        after = (f"serves: {package or 'nothing'}",) if plan.changes else self._before
        refused = str(allowed.refusal) if allowed and allowed.refusal else None
        return Outcome(plan, steps.record, steps.serving(), self._report, self._before, after, refused)

    def _way_back(self, steps: Steps) -> str | None:
        record, transaction = steps.record, steps.record.transaction
        return held_by(record, transaction.origin if transaction else record.previous)

    def _prelude(self, steps: Steps, action: str, reason: str = CHANGED, follows: bool = False) -> None:
        actions = {
            "undo": lambda: clear_way(steps, lambda: undo(steps, reason), follows),
            "finish": lambda: clear_way(steps, lambda: finish(steps), follows),
            "prove": lambda: steps.await_active(steps.transaction.target),
            "remove": lambda: self._remove(steps),
            "restart": lambda: self._restart(steps, "restarted"),
            "enable": lambda: self._restart(steps, "enabled"),
            "protect": lambda: steps.save(replace(steps.record, protected=True)),
            "unprotect": lambda: steps.save(replace(steps.record, protected=False)),
            "edge": lambda: steps.front.synchronise(self._definition.route),
        }
        with explained(action):
            actions[action]()

    def _restart(self, steps: Steps, step: str) -> None:
        """The active slot's process is gone for good, or would not come back: start it again where it is. One
        that runs is left alone."""
        slot = steps.front.serving()
        spec = self._host.files.read(self._definition.name, slot) if slot else None
        if slot and spec:
            with self._report.step(step):
                steps.slots.start(slot, spec)
                steps.await_active(slot)
