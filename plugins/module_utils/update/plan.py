# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done, decided from what was observed. No effect happens here."""

from __future__ import annotations

from dataclasses import dataclass

from ..journal.record import STEPS, Transaction
from .observe import Observed

PHASES = {"staged": "ready", "active": "baked", "settled": "settled"}
"""A phase of ``mcp_update`` and the last step that belongs to it."""

UPDATE = (*STEPS, "settled")
ROLLBACK = ("started", "ready", "switched", "drained", "settled")
KINDS = {"update": UPDATE, "rollback": ROLLBACK}


@dataclass(frozen=True)
class Plan:
    """``before`` comes first: ``finish`` (drain and settle what is under way), ``undo`` (go back from it),
    ``remove`` (finish a removal), ``restart`` (the active slot's process), ``enable`` (let a host that
    restarts start it, without a change to what runs), ``edge`` (put the edge right),
    ``prove`` (that what is to be finished answers), ``protect`` and ``unprotect`` (keep it with the record).
    Then ``steps`` of an update."""

    before: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    pending: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.before or self.steps)

    def lines(self) -> list[str]:
        return [*self.before, *self.steps]


def remaining(transaction: Transaction) -> tuple[str, ...]:
    """Steps that a transaction has still to do, in order."""
    steps = KINDS[transaction.kind]
    if transaction.step is None:
        return steps
    done = UPDATE.index(transaction.step)
    return tuple(step for step in steps if UPDATE.index(step) > done)


def until(steps: tuple[str, ...], phase: str) -> tuple[str, ...]:
    """The part of ``steps`` that belongs to a phase and those before it."""
    last = UPDATE.index(PHASES[phase])
    return tuple(step for step in steps if UPDATE.index(step) <= last)


def plan_present(observed: Observed, phase: str) -> Plan:
    """Bring the desired release into service, as far as ``phase``."""
    transaction = observed.record.transaction
    before: tuple[str, ...]
    if transaction is None:
        if observed.serving in observed.matching:
            return Plan(before=_repairs(observed))
        return _then_update(phase, *_edge(observed))
    if transaction.kind == "remove":
        return _then_update(phase, "remove")
    if transaction.kind == "update" and transaction.target in observed.matching:
        steps = until(remaining(transaction), phase)
        # The switch brings the definition's route; where it is done, nothing else does.
        switched = transaction.reached("switched")
        before = _repairs(observed) if switched else (*_restart(observed), *_edge(observed))
        if switched and steps and "restart" not in before:
            before = (*before, *_proof(observed))
        return Plan(before=before, steps=steps, pending=steps != remaining(transaction))
    if transaction.kind == "update" and not transaction.reached("baked"):
        before, serves_then = (*_edge(observed), "undo"), transaction.origin
    else:
        before, serves_then = (*_edge(observed), "finish"), transaction.target
    if serves_then not in observed.matching:
        return _then_update(phase, *before)
    return Plan(before=before if observed.consistent or "edge" in before else (*before, "edge"))


def _edge(observed: Observed) -> tuple[str, ...]:
    """An edge that was changed by hand is put right first, or the next change of it would bring what was done
    to its files to clients; a switch that was cut off between files and runtime is for the steps to end."""
    transaction = observed.record.transaction
    cut_off = (
        transaction is not None
        and not transaction.reached("switched")
        and observed.serving == transaction.target
    )
    return () if observed.agreeing or cut_off else ("edge",)


def _then_update(phase: str, *before: str) -> Plan:
    steps = until(UPDATE, phase)
    return Plan(before=before, steps=steps, pending=steps != UPDATE)


def _repairs(observed: Observed) -> tuple[str, ...]:
    """What is to be put right about the slot that serves."""
    return (*_restart(observed), *(() if observed.consistent else ("edge",)))


def _proof(observed: Observed) -> tuple[str, ...]:
    """What an earlier run sent clients to may have ended since, or be coming up again: it answers before it
    is compared with the old one, or that is stopped. What clients start themselves is not waited for."""
    return ("prove",) if observed.serving in observed.processes else ()


def _restart(observed: Observed) -> tuple[str, ...]:
    """A process that serves and was stopped for good is started again; one that runs is to come back."""
    process = observed.processes.get(observed.serving or "")
    stopped = process is not None and process.state not in ("running", "starting")
    if stopped:
        return ("restart",)
    return () if observed.returning else ("enable",)


def plan_rolled_back(observed: Observed, unfinished_only: bool, generation: int | None = None) -> Plan:
    """Go back: from what is under way, else (unless ``unfinished_only``) from the last update.

    :param generation: with ``unfinished_only``, only from the change that has this one: others are of others.
    """
    transaction = observed.record.transaction
    if unfinished_only and generation is not None and transaction and transaction.generation != generation:
        return Plan()
    if transaction is not None:
        action = {"update": "undo", "rollback": "finish", "remove": "remove"}[transaction.kind]
        return Plan(before=(action,) if action == "remove" else (*_edge(observed), action))
    if unfinished_only or observed.record.previous is None:
        return Plan()
    return Plan(before=_edge(observed), steps=ROLLBACK)


def plan_recovered(observed: Observed) -> Plan:
    """End what was cut off, with nobody to ask: what had passed its bake is finished, the rest undone."""
    transaction = observed.record.transaction
    if transaction is not None and transaction.kind == "update" and transaction.reached("baked"):
        return Plan(before=(*_edge(observed), "prove", "finish"))
    return plan_rolled_back(observed, unfinished_only=True)
