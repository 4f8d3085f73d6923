# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: from an update that failed or was cut off, and by a rollback that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import FleetError, explained, understood
from ..journal.record import Result, Transaction, other
from .outcome import held_by
from .plan import remaining
from .steps import Steps


def go_back(steps: Steps, error: FleetError) -> FleetError:
    """After a failed step: undo the transaction, and keep the reason with the record.

    :return: the error, with what came of going back where that failed.
    """
    steps.report.reason = str(error)
    transaction = steps.record.transaction
    # A removal is never taken back: the next run goes on with it.
    if transaction is None or transaction.kind == "remove":
        return error
    try:
        with explained("go back"):
            if transaction.kind == "rollback":
                abandon_rollback(steps, error)
            else:
                undo(steps, str(error))
    except Exception as second:  # a mistake of our own too: the first error is the one to tell
        failed = understood("go back", second)
        told = f"{error.came_back.rstrip('.')} — and going back failed: {failed.tried}: {failed.came_back}"
        error = type(error)(error.tried, told, error.cure, error.server)
        steps.report.reason = str(error)
    return error


def clear_way(steps: Steps, act: Callable[[], None], follows: bool) -> None:
    """End what is under way before an update. Where the earlier release does not come up any more and another
    one ``follows``, what serves goes on serving until then.

    :raises FleetError: when it cannot be ended, and nothing follows that could do without.
    """
    try:
        act()
    except FleetError as error:
        abandon_rollback(steps, error)
        if not follows or steps.record.transaction is not None:
            raise
        steps.report.warnings.append(f"{error.tried}: {error.came_back}")
        steps.report.rolled_back = False


def undo(steps: Steps, reason: str) -> None:
    """Go back from an update that is under way, from whichever step it had reached."""
    transaction = steps.transaction
    steps.report.reason = reason
    if transaction.origin not in (None, steps.front.serving()):
        begin_rollback(steps, reason)
        carry_on(steps)
    else:
        with steps.report.step("undone"):
            _withdraw(steps, transaction, reason)
    steps.report.rolled_back = True


def begin_rollback(steps: Steps, reason: str) -> None:
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
                started=steps.host.senses.now(),
                reason=reason,
                displaced=unfinished.displaced if unfinished else None,
            ),
        )
    )


def abandon_rollback(steps: Steps, error: FleetError) -> None:
    """The earlier release does not come up: what serves goes on serving, and a human is needed."""
    transaction = steps.record.transaction
    steps.report.reason = str(error)
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
                source=held_by(steps.record, transaction.origin),
                destination=held_by(steps.record, transaction.target),
                at=steps.host.senses.now(),
                reason=str(error),
            ),
        )
    )


def _withdraw(steps: Steps, transaction: Transaction, reason: str) -> None:
    """Stop the target slot, which has no clients unless it was the first; give it back what it held."""
    failed = steps.record.slots.get(transaction.target)
    evidence = steps.host.log_tail(steps.record.server, transaction.target)
    # From here on what was started and proven no longer holds, should this be cut off.
    if transaction.reached("started"):
        steps.advance("staged")
    if transaction.origin is None:
        if failed and failed.activated:
            steps.front.close()
            steps.drain_slot(transaction.target, steps.host.senses.now())
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
            destination=held_by(steps.record, transaction.origin),
            at=steps.host.senses.now(),
            reason=reason,
            evidence=evidence or None,
        ),
    )
    if transaction.displaced is not None:
        record = steps.slots.give_back(record, transaction.target, transaction.displaced)
    else:
        # Whoever looks into what failed finds its words, until something else runs there.
        steps.slots.clear(transaction.target, keep_log=True)
    steps.save(record)


def finish(steps: Steps) -> None:
    """Go on with what is under way to its end. An update that had passed its bake, and whose release does not
    answer any more, is undone instead: the slot that it would stop still may."""
    transaction = steps.transaction
    if transaction.kind == "update":
        try:
            steps.await_active(transaction.target)
        except FleetError as error:
            steps.report.warnings.append(f"{error.tried}: {error.came_back}")
            undo(steps, str(error))
            return
    carry_on(steps)


def carry_on(steps: Steps) -> None:
    """Do what is left of the transaction."""
    for step in remaining(steps.transaction):
        steps.do(step)
