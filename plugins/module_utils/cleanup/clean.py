# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cleanup of one host: look, decide, put on record, move away, look again, delete.

A run that is killed in between is gone on with by the next, which puts back what is in use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..audit.account import Account
from ..errors import FleetError, explained
from ..host.sharing import announce
from ..journal.journal import Journal, LockHeld
from ..release.locking import held
from ..release.standing import LOCKS
from ..retention.policy import Policies
from ..update.charge import Charge
from ..update.host import Host
from .ground import check_ground
from .look import Lock, Looker
from .losses import losses, recorded
from .orphans import Orphan, end, find_orphans
from .outcome import Outcome, foreseen, wish
from .places import Places
from .remove import Remover

__all__ = ["Cleaner", "Outcome"]


class Cleaner:
    """Cleans one host up.

    :param wanted: ``identifier@version`` that the inventory defines, and for which server.
    :param charge: who asks for it, and what allows it.
    """

    def __init__(
        self, host: Host, policies: Policies, wanted: dict[str, str], charge: Charge | None = None
    ) -> None:
        charge = charge or Charge()
        self._host = host
        self._policies = policies
        self._places = Places(host)
        self._looker = Looker(host, self._places, policies, wanted, charge.rules)
        self._account = Account(host.trail, charge.who, lambda: host.senses.now().wall)

    def foresee(self) -> Outcome:
        """What ``clean`` would do; nothing is changed.

        :raises FleetError: when a folder is not the fleet's own, or something may not be read.
        """
        with explained("look at what may be deleted"):
            check_ground(self._host.layout)
            return self._with_head(self._foreseen())

    def clean(self, lock_timeout: float) -> Outcome:
        """Delete what may go.

        :param lock_timeout: seconds to wait for another cleanup of the same releases.
        :raises FleetError: as ``foresee``, or when it cannot be put on record; then nothing was deleted.
        """
        host = self._host
        with explained("clean up"):
            check_ground(host.layout)
            announce(host.effects, host.layout, host.senses.now().wall)
            plan = self._foreseen()
            if not plan.changed and not plan.sight.back:
                plan.done = True
                return self._with_head(plan)
            lock = host.layout.releases / LOCKS / "cleanup.lock"
            with held(host.effects, lock, lock_timeout, "clean up"):
                return self._with_head(self._clean(plan))

    def _foreseen(self) -> Outcome:
        sight = self._looker.look(None)
        orphans = find_orphans(self._host, sight.records, self._host.senses.now().wall)
        return foreseen(sight, orphans, self._policies, self._places)

    def _clean(self, plan: Outcome) -> Outcome:
        with contextlib.ExitStack() as record:
            with self._locks(plan.sight.servers) as ours:
                sight = self._looker.look(ours)
                outcome = Outcome(
                    sight, plan.orphans, warnings=list(plan.warnings), left=list(sight.held), done=True
                )
                outcome.warnings += [text for text in sight.warnings if text not in outcome.warnings]
                # Allowed once more: a server may have been protected since.
                outcome.orphans = [
                    wish(orphan, sight, self._policies) if what == "end" else (orphan, what)
                    for orphan, what in plan.orphans
                ]
                record.enter_context(
                    recorded(self._account, losses(sight, outcome.orphans, self._places), outcome)
                )
                remover = Remover(self._host, self._places, sight, outcome)
                tombs = remover.bury()
            for tomb in tombs:
                remover.erase(tomb)
            outcome.orphans = [self._end(orphan, what, outcome) for orphan, what in outcome.orphans]
        return outcome

    def _with_head(self, outcome: Outcome) -> Outcome:
        if self._account.head is None:
            self._account.look()
        outcome.audit = self._account.head
        if self._account.problem:
            outcome.warnings.append(f"the audit is not as it should be: {self._account.problem}")
        return outcome

    @contextlib.contextmanager
    def _locks(self, servers: tuple[Lock, ...]) -> Iterator[tuple[Lock, ...]]:
        """Hold the locks of all servers that are free; what others are at work on is in use anyway."""
        ours = []
        with contextlib.ExitStack() as stack:
            for state, server in servers:
                with contextlib.suppress(LockHeld):
                    stack.enter_context(Journal(self._host.effects, state).lock(server, 0))
                    ours.append((state, server))
            yield tuple(ours)

    def _end(self, orphan: Orphan, what: str, outcome: Outcome) -> tuple[Orphan, str]:
        if what != "end":
            return orphan, what

        def still() -> bool:
            found = find_orphans(self._host, outcome.sight.records, self._host.senses.now().wall)
            return any(each.identity == orphan.identity for each in found)

        try:
            if not end(self._host, orphan, still):
                return orphan, "gone"
        except FleetError as error:
            outcome.warnings.append(str(error))
            return orphan, "left"
        return orphan, "ended"
