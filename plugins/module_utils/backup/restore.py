# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a host's servers back: releases, then each server's record, slots and route.

Everything is found out and checked first (``fit``); then each effect leaves a host that the next restore goes
on with, and that an update can take as it is: a release is whole or not there, a server's record comes before
its process, its process is proven before a client reaches it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..audit.account import Account
from ..errors import FleetError, explained
from ..protection.permit import Change, permit
from ..release.tree import room
from ..update.charge import Charge, named
from ..update.host import Host
from ..update.ports import claim
from ..update.report import Report
from ..update.steps import Steps
from .age import Identity
from .fit import Plan, plan_of, require_free, serves
from .part import ServerPart
from .place import place_releases, require_whole
from .reading import Contents, read
from .store import noted, require_bytes


@dataclass(frozen=True)
class Restored:
    """``failed``: servers that are not in service, and why; ``unrecorded`` why the host's audit lacks it."""

    contents: Contents
    plan: Plan
    failed: dict[str, FleetError]
    unrecorded: str | None = None


ACTION = "restore"


def check(host: Host, path: Path, identity: Identity) -> Contents:
    """Look at every byte of a backup; where its note lies beside it, also whether it is what was written.

    :raises FleetError: when it cannot be used.
    """
    stored = noted(path)
    if stored.note:
        require_bytes(stored)
    held = sum(release.size_bytes for release in host.releases.all())
    return read(path, identity, room(host.layout.releases) + held)


class Restore:
    """Brings the servers of one backup back to one host.

    :param name: the host whose backup it has to be.
    :param servers: only these; None: all.
    :param lock_timeout: seconds to wait for another run on the same server.
    :param ready_timeout: seconds for each server to answer.
    :param charge: who asks for it; what allows it is put on record and keeps nothing back.
    """

    def __init__(
        self,
        host: Host,
        name: str,
        servers: Collection[str] | None,
        lock_timeout: float,
        ready_timeout: float,
        charge: Charge | None = None,
    ) -> None:
        self._host = host
        self._name = name
        self._servers = servers
        self._lock_timeout = lock_timeout
        self._ready_timeout = ready_timeout
        self._charge = charge or Charge()
        self._account = Account(host.trail, self._charge.who, lambda: host.senses.now().wall)

    def run(self, path: Path, identity: Identity, apply: bool) -> Restored:
        """All of it, or in check mode what it would be.

        :raises FleetError: before anything was touched, or when the releases cannot be placed. What goes
            wrong with a single server is in the result: the others come back meanwhile.
        """
        with explained(f"restore from {path}"):
            contents = check(self._host, path, identity)
            plan = plan_of(self._host, contents, self._name, self._servers)
            failed: dict[str, FleetError] = {}
            if apply:
                if plan.releases:
                    self._place(contents, identity, plan)
                for part in plan.lacking:
                    try:
                        self._bring_back(part, contents)
                    except FleetError as error:
                        failed[part.name] = error.on(part.name)
            return Restored(contents, plan, failed, self._account.problem)

    def _place(self, contents: Contents, identity: Identity, plan: Plan) -> None:
        begun = {**_source(contents), "plan": [f"place the release {name}" for name in sorted(plan.releases)]}
        # As a way back: a host without its servers is worse off than a record with a gap.
        with self._account.change(ACTION, None, begun, needed=False):
            place_releases(self._host, contents, identity, plan.releases)

    @contextlib.contextmanager
    def _recorded(self, part: ServerPart, contents: Contents) -> Iterator[None]:
        wanted = Change(part.name, f"restore {part.active.package}", part.active.version, guarded=False)
        now = datetime.fromtimestamp(self._host.senses.now().wall, timezone.utc)
        begun = {
            **_source(contents),
            "before": None,
            "wanted": part.active.package,
            "plan": [f"bring it into service in {part.slot}"],
            "allowed": permit([wanted], False, self._charge.rules, now).basis,
        }
        secrets = {value for spec in part.specs.values() for value in spec.credentials.values()}
        with self._account.change(ACTION, part.name, begun, secrets=secrets, needed=False) as entry:
            yield
            entry.told = {"before": None, "after": named(part.active, part.slot)}

    def _bring_back(self, part: ServerPart, contents: Contents) -> None:
        with explained("bring it back"), self._host.journal.lock(part.name, self._lock_timeout):
            # Looked at once more: nobody else is at work on it from here on.
            require_free(self._host, part)
            if serves(self._host, part):
                return
            with self._recorded(part, contents):
                self._revive(part)

    def _revive(self, part: ServerPart) -> None:
        for deployment in part.record.slots.values():
            require_whole(self._host, deployment.path, deployment.release, part.name)
        claim(self._host, part.record)
        steps = Steps(self._host, part.definition(self._ready_timeout), part.record, Report())
        self._host.sync(part.name)
        self._fill_idle(part)
        try:
            steps.slots.start(part.slot, part.specs[part.slot])
            steps.await_active(part.slot)
            self._open(part, steps)
        except FleetError:
            # What clients reach by now is theirs, whatever went wrong.
            with contextlib.suppress(FleetError):
                if steps.front.serving() != part.slot:
                    steps.leave(part.slot)
            raise

    def _fill_idle(self, part: ServerPart) -> None:
        """What a rollback would start."""
        for slot, spec in part.specs.items():
            if slot == part.slot:
                continue
            if part.record.ports:
                self._host.driver.stop(part.name, slot, spec.stop_timeout)
                self._host.files.write(spec)
            else:
                self._host.launchers.place(spec)

    def _open(self, part: ServerPart, steps: Steps) -> None:
        """Let clients reach it, under the generation that it had."""
        generation = part.generation or part.record.generation
        path = str(part.active.configuration.get("path") or "/mcp")
        steps.front.prepare(part.slot, generation, part.active.address or "127.0.0.1", path)
        steps.front.switch(part.slot, generation, part.route or "")


def _source(contents: Contents) -> dict[str, Any]:
    """What the host's new chain of lines says of its old one, which went with the host."""
    head = contents.head
    return {
        "backup": {
            "file": contents.path.name, "host": head["host"], "made": head["made"], "audit": head.get("audit")
        }
    }  # fmt: skip
