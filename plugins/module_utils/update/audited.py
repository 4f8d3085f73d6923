# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What allows a change, and the change between its two lines in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from ..audit.account import Account
from ..audit.account import Change as Entry
from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..journal.record import Record
from ..protection.permit import Change, Permit, permit
from .charge import Charge, serving_of, told
from .host import Host
from .plan import Plan
from .report import Report
from .steps import Steps


class Audited:
    """One run's dealings with protection and audit.

    :param charge: who asks for the run, and what allows it.
    :param report: gets where the audit stands.
    """

    def __init__(self, host: Host, definition: ServerDefinition, charge: Charge, report: Report) -> None:
        self._host = host
        self._definition = definition
        self._charge = charge
        self._report = report
        self._account = Account(host.trail, charge.who, lambda: host.senses.now().wall)

    def permit(self, record: Record, changes: list[Change]) -> Permit:
        """Whether changes are allowed now."""
        protected = record.protected or self._definition.protected
        now = datetime.fromtimestamp(self._host.senses.now().wall, timezone.utc)
        return permit(changes, protected, self._charge.rules, now)

    @contextmanager
    def change(
        self, steps: Steps, plan: Plan, action: str, wanted: str | None, allowed: Permit
    ) -> Iterator[None]:
        """A change that has to be allowed and recorded: otherwise it does not begin."""
        if allowed.refusal is not None:
            raise allowed.refusal
        with self._between_lines(steps, plan, action, wanted, allowed, needed=True):
            yield

    @contextmanager
    def way_back(self, steps: Steps, plan: Plan, action: str, package: str | None) -> Iterator[None]:
        """A change that is always allowed, for safety; what it lacks is on record.

        :param package: what will serve then.
        """
        version = (package or "nothing").rpartition("@")[2]
        lacking = self.permit(steps.record, [Change(self._definition.name, "go back", version)])
        with self._between_lines(steps, plan, action, package, lacking, needed=False):
            yield

    def look(self) -> None:
        """Tell the report where the audit stands."""
        if self._account.head is None:
            self._account.look()
        self._report.audit, self._report.audit_problem = self._account.head, self._account.problem

    @contextmanager
    def _between_lines(
        self, steps: Steps, plan: Plan, action: str, wanted: str | None, allowed: Permit, needed: bool
    ) -> Iterator[None]:
        if not plan.changes:
            yield
            return
        before = serving_of(steps.record, steps.serving())
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

    def _tell(self, steps: Steps, entry: Entry, before: dict[str, Any] | None) -> None:
        entry.told = {
            **told(self._report.to_json(), steps.record),
            "before": before,
            "after": serving_of(steps.record, steps.serving()),
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
