# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, or in check mode would do; and a record as modules show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..contract.hidden import visible
from ..errors import FleetError
from ..journal.record import Deployment, Record
from .plan import Plan
from .report import Report


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
            "generation": transaction.generation,
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


def held_by(record: Record, slot: str | None) -> str | None:
    """The package that a slot holds."""
    deployment = record.slots.get(slot) if slot else None
    return deployment.package if deployment else None


def serving_lines(record: Record, serving: str | None) -> tuple[str, ...]:
    """What serves, as a diff shows it."""
    return (f"serves: {held_by(record, serving) or 'nothing'}",)


def _variables(deployment: Deployment) -> list[str]:
    """Names of the variables that a deployment was given, those of credentials too."""
    given = deployment.configuration
    return sorted({*given.get("environment", ()), *given.get("credentials", ())})
