# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is asked to do by whom, what of it has to be allowed, and how it is named in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..audit.account import Who
from ..definition.server import ServerDefinition
from ..journal.record import Deployment, Record
from ..protection.permit import Change
from ..protection.rules import Rules
from .observe import Observed
from .plan import Plan

_NAMES = {
    "undo": "rollback",
    "remove": "removal",
    "finish": "update",
    "restart": "restart",
    "enable": "restart",
    "edge": "edge repair",
    "protect": "protection",
    "unprotect": "protection",
}
"""What stands before an update, and what it is called where that is all."""


@dataclass(frozen=True)
class Charge:
    """Who asks for a change, and what allows it."""

    who: Who = field(default_factory=Who)
    rules: Rules = field(default_factory=Rules)


def with_protection(plan: Plan, record: Record, protected: bool) -> Plan:
    """The plan, with what brings the record's mark to that of the definition.

    A first deployment takes the mark with it; after a removal there is none.
    """
    if record.protected == protected or not record.slots or "remove" in plan.before:
        return plan
    return replace(plan, before=(*plan.before, "protect" if protected else "unprotect"))


def is_there(observed: Observed) -> bool:
    """Whether clients have something that a change could take from them."""
    record = observed.record
    origin = record.transaction.origin if record.transaction else None
    return any(slot is not None for slot in (observed.serving, record.active, origin))


def changes_of(plan: Plan, observed: Observed, definition: ServerDefinition) -> list[Change]:
    """What of a plan has to be allowed.

    Not the rest of an update after its switch, going back, and putting right what was allowed before. A
    release that was staged is asked for again where it is to be switched to.
    """
    name, found = definition.name, []
    there = is_there(observed)
    if {"staged", "switched"} & set(plan.steps):
        what = "update it to" if there else "deploy"
        found.append(Change(name, f"{what} {definition.package}", definition.version, guarded=there))
    elif "edge" in plan.before and observed.agreeing:
        found.append(Change(name, f"move it to the route {definition.route}", definition.version))
    if "unprotect" in plan.before:
        found.append(Change(name, "take its protection away", kind="unprotected", timed=False))
    return found


def removal_of(record: Record) -> list[Change]:
    """What of a removal has to be allowed; one that was begun was."""
    if record.transaction is not None and record.transaction.kind == "remove":
        return []
    return [Change(record.server, "remove it", kind="absent", guarded=bool(record.slots))]


def action_of(plan: Plan, observed: Observed) -> str:
    """What the audit calls it."""
    if plan.steps:
        return "update" if is_there(observed) else "deploy"
    return next((name for step, name in _NAMES.items() if step in plan.before), "update")


def named(deployment: Deployment | None, slot: str | None) -> dict[str, Any] | None:
    """A deployment as the audit has it."""
    if deployment is None:
        return None
    return {"package": deployment.package, "release": deployment.release, "slot": slot}


def serving_of(record: Record, slot: str | None) -> dict[str, Any] | None:
    """What serves as the audit has it."""
    return named(record.slots.get(slot), slot) if slot else None


def told(report: dict[str, Any], record: Record) -> dict[str, Any]:
    """What is worth keeping of how a run went."""
    contract = report["contract"]
    return {
        "under_way": record.transaction.step if record.transaction else None,
        "reason": report["reason"],
        "contract": contract and {"verdict": contract["verdict"], "breaking": contract["breaking"]},
        "drained": report["drained"],
        "failed_step": _failed(report["steps"]),
    }


def _failed(steps: Sequence[dict[str, Any]]) -> str | None:
    return next((str(step["step"]) for step in steps if step.get("failed")), None)
