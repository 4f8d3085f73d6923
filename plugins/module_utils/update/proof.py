# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of a slot: in full before the first clients, and that it answers again whenever it comes back."""

from __future__ import annotations

from dataclasses import dataclass

from ..definition.server import ServerDefinition
from ..journal.record import Record
from .host import Host, port_of
from .proven import Proven, own_contract, proven_offer
from .ready import Readiness, Ready
from .report import Report


@dataclass(frozen=True)
class Proof:
    """Waits until a slot of one server is ready, and tells what it offers."""

    host: Host
    definition: ServerDefinition
    record: Record
    proven: Proven
    report: Report

    def full(self, slot: str, origin: str | None) -> Ready:
        """The whole contract, measured against what the slot that is to be left offers (None: a first one).

        :raises FleetError: when the slot is not ready in time, or its contract may not be taken.
        """
        baseline = proven_offer(self.record, origin)
        readiness = Readiness(
            self.host, self.definition, slot, port_of(self.record, slot), self.record.slots[slot].endpoint,
            baseline=baseline, in_use=self.report.eras,
        )  # fmt: skip
        try:
            ready = readiness.wait()
        finally:
            self.report.compared(readiness.difference, baseline, readiness.offer)
        self.report.warnings += ready.warnings
        return ready

    def again(self, slot: str) -> Ready:
        """A slot that was proven before has only to answer; one whose files somebody changed since has to
        keep all that was promised of it.

        :raises FleetError: when it does not in time.
        """
        deployment = self.record.slots[slot]
        quick = self.proven.answer(self.record, slot)
        if deployment.offer and not quick:
            self.report.warnings.append(
                f"the files of {slot} were changed by hand since it was proven: it is proven anew"
            )
        return Readiness(
            self.host, own_contract(self.definition, deployment), slot, port_of(self.record, slot),
            deployment.endpoint, baseline=proven_offer(self.record, slot), quick=quick,
        ).wait()  # fmt: skip
