# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the updater: asks for things, sees whether they came true, and follows what errors advise."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from ansible_collections.mcpops.fleet.plugins.module_utils.audit import trail
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.kept import restored
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server import ServerDefinition
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome

from .invariants import Invariants, Violated
from .mishaps import At, Tampering
from .packages import BAD_IN_USE, GOOD, NEVER_READY
from .runs import Ask, Ended, MayAsk, Runs, definition, identity_of
from .world import World

RECOVERY = 6.0
"""Seconds after which whatever befell a host is over: longer than a boot takes."""
TELL = Callable[[str], None]


class Operator:
    """Knows what was last wanted of each server; None: that it be gone."""

    def __init__(self, servers: dict[str, bool], tell: TELL) -> None:
        http = tuple(name for name, over_http in servers.items() if over_http)
        stdio = tuple(name for name, over_http in servers.items() if not over_http)
        self.world = World()
        self.invariants = Invariants(self.world, http, stdio)
        self.runs = Runs(self.world, self.invariants)
        self._servers = servers
        self._wishes: dict[str, ServerDefinition | None] = dict.fromkeys(servers)
        self._tell = tell

    def update(self, server: str, version: str, configuration: str, phase: str, at: At | None) -> None:
        """Ask for a version and a configuration."""
        wanted = definition(server, version, configuration, self._servers[server])
        self._wishes[server] = wanted
        with self._resting():
            before, record = self.invariants.now_served(server), self._record(server)
            ended = self._run(wanted, lambda converger, apply: converger.present(phase, apply), at)
            if ended.outcome:
                self._check_updated(wanted, phase, ended)
            elif ended.error and self._calm(server, ended):
                self._check_refused(wanted, str(before) if before else None, record, ended.error)

    def roll_back(self, server: str, unfinished_only: bool, at: At | None) -> None:
        """Ask to go back."""
        wanted = self._wishes[server] or definition(server, GOOD[0], "plain", self._servers[server])
        with self._resting():
            record = self._record(server)
            lost = record is not None and self._is_gone(server, record)
            ended = self._run(
                wanted, lambda converger, apply: converger.rolled_back(unfinished_only, apply), at
            )
            served = self.invariants.now_served(server)
            back = record.slots.get(record.previous or "") if record else None
            if ended.outcome and ended.outcome.plan.steps and back and self._calm(server, ended):
                if (served.version if served else None) != back.version and back.version in GOOD:
                    raise Violated(f"{server}: rolled back to {served}, not to {back.version}")
            elif ended.error and self._calm(server, ended) and not _troubled(record) and not lost:
                raise Violated(f"{server}: going back failed: {ended.error}") from ended.error

    def remove(self, server: str, at: At | None) -> None:
        """Ask for a server to be gone."""
        wanted = self._wishes[server] or definition(server, GOOD[0], "plain", self._servers[server])
        self._wishes[server] = None
        with self._resting():
            ended = self._run(wanted, lambda converger, apply: converger.absent(apply), at)
            if ended.error and self._calm(server, ended):
                raise Violated(f"{server}: it can not be removed: {ended.error}") from ended.error
            if ended.outcome and self._calm(server, ended):
                self._check_removed(server)

    def recover(self, server: str, at: At | None) -> None:
        """What the host's own timer does with what a run that was cut off has left under way."""
        record = self._record(server)
        if record is None or record.transaction is None or record.transaction.definition is None:
            return
        wanted = restored(record.transaction.definition)
        with self._resting():
            ended = self._run_alone(wanted, _recovered, at)
            after = self._record(server)
            if self._calm(server, ended) and not _troubled(record):
                if ended.error:
                    raise Violated(f"{server}: recovery failed: {ended.error}") from ended.error
                if after and after.transaction is not None:
                    raise Violated(f"{server}: recovered, and yet {after.transaction}")

    def clean_up(self, at: At | None) -> None:
        """Delete all releases that may go; what a server is on record with may not."""
        servers = [server for server in self._servers if server not in self.invariants.tampered]
        with self._resting():
            held = {path for server in servers for path in _held(self._record(server)) if path.is_dir()}
            error = self.runs.clean(servers[0] if servers else "", at)
            self._tell(f"cleaned up: {error or 'done'}")
            if error and not at and not self.invariants.tampered:
                raise Violated(f"the cleanup failed: {error}") from error
            if lost := [str(path) for path in held if not path.is_dir()]:
                raise Violated(f"the cleanup deleted what is in use: {', '.join(lost)}")

    def befall(self, event: Callable[[], None]) -> None:
        """Something happens while nothing runs."""
        with self._resting():
            event()

    def finish(self) -> None:
        """With nothing interfering any more, all comes to what was wanted last, or stays at what was good."""
        self.world.pass_time(RECOVERY)
        for server in self._servers:
            self._converge(server)

    def _converge(self, server: str) -> None:
        wish, tampered = self._wishes[server], server in self.invariants.tampered
        if wish is None:
            self.remove(server, None)
        else:
            self.update(server, wish.version, _configuration(wish), "settled", None)
        good = definition(server, GOOD[0], "plain", self._servers[server])
        for attempt in range(2):
            with self._resting():
                ended = self._run(good, _settle, None)
            if ended.outcome:
                break
            if not tampered or attempt:
                raise Violated(f"{server}: a good release does not get into service: {ended.error}")
            Tampering(self.world, self.invariants, server).cure()
        self._check_updated(good, "settled", ended)
        self.runs.again(good, _settle)

    def _run(self, wanted: ServerDefinition, ask: Ask, at: At | None) -> Ended:
        server = wanted.name
        foreseen = None if at or server in self.invariants.tampered else self.runs.foresee(wanted, ask)
        ended = self.runs.run(wanted, ask, at, lambda: self._second_run(wanted, ask))
        if ended.disturbed:
            self._tell(f"{server}: {ended.disturbed} {ended.label}")
        self._tell(f"{server}: {_shown(ended)}")
        if ended.outcome and foreseen is not None:
            lines = [] if isinstance(foreseen, FleetError) else foreseen.plan.lines()
            if isinstance(foreseen, FleetError) or lines != ended.outcome.plan.lines():
                raise Violated(f"{server}: check mode said {foreseen}, done was {ended.outcome.plan.lines()}")
        return ended

    def _run_alone(self, wanted: ServerDefinition, ask: MayAsk, at: At | None) -> Ended:
        """As ``_run``, of what has no check mode."""
        ended = self.runs.run(wanted, ask, at, lambda: None)
        self._tell(f"{wanted.name}: {ended.disturbed or ''} {ended.label}: {_shown(ended)}")
        return ended

    def _second_run(self, wanted: ServerDefinition, ask: Ask) -> None:
        """On the same server it has to say that another is there; on another server both have to work."""
        held = not _free(self.world.layout.state / wanted.name / "lock")
        # Time stands still here: who holds the lock of the audit will not let go of it.
        with patch.object(trail, "_WAIT", 0.0):
            ended = self.runs.run(wanted, ask, None, lambda: None)
        locked = ended.error is not None and "another run" in ended.error.came_back
        self._tell(f"{wanted.name}: meanwhile a second run: {_shown(ended)}")
        if held and not locked:
            raise Violated(f"{wanted.name}: two runs at once: {_shown(ended)}")
        for server, over_http in self._servers.items():
            if server != wanted.name and over_http and self._unlocked():
                self.update(server, "2.0.0", "plain", "settled", None)

    def _unlocked(self) -> bool:
        """Whether a run of another server would not wait for this one."""
        return all(
            _free(path)
            for path in (
                self.world.layout.edge.maps / ".lock",
                self.world.layout.state / ".ports.lock",
                self.world.layout.state / "audit" / "lock",
            )
        )

    @contextmanager
    def _resting(self) -> Iterator[None]:
        """What was asked for, then time for what befell the host to be over, then the invariants."""
        yield
        if not (self.world.haproxy.up and self.world.supervisor.up) or self.invariants.outage:
            self.world.pass_time(RECOVERY)
        self.invariants.at_rest()

    def _is_gone(self, server: str, record: Record) -> bool:
        """Whether what a rollback would start was removed by hand."""
        back = record.slots.get(record.previous or "")
        if back is None:
            return False
        return not Path(back.path).is_dir() or self.world.files.read(server, record.previous or "") is None

    def _record(self, server: str) -> Record | None:
        try:
            return Journal(Effects(), self.world.layout.state).load(server)
        except FleetError:
            return None

    def _calm(self, server: str, ended: Ended) -> bool:
        """Whether nothing but the run itself can be the reason for how it ended."""
        return ended.disturbed is None and server not in self.invariants.tampered

    def _check_updated(self, wanted: ServerDefinition, phase: str, ended: Ended) -> None:
        server, record = wanted.name, self._record(wanted.name)
        served = self.invariants.now_served(server)
        if wanted.version in NEVER_READY:
            raise Violated(f"{server}: {wanted.version} was taken for ready")
        steps = [step["step"] for step in ended.outcome.report.steps] if ended.outcome else []
        left = record.slots.get(record.previous or "") if record else None
        compared = "baked" in steps and left is not None and left.version in GOOD
        if compared and wanted.version in BAD_IN_USE and not ended.disturbed:
            raise Violated(f"{server}: {wanted.version} was kept")
        if phase != "settled" or ended.disturbed:
            return
        self.invariants.tampered.discard(server)
        if record is None or record.transaction is not None:
            raise Violated(f"{server}: settled, and yet {record and record.transaction}")
        if served != identity_of(wanted) and wanted.version not in BAD_IN_USE:
            raise Violated(f"{server}: {identity_of(wanted)} was wanted, {served} is served")

    def _check_refused(
        self, wanted: ServerDefinition, before: str | None, record: Record | None, error: FleetError
    ) -> None:
        server, served = wanted.name, self.invariants.now_served(wanted.name)
        if wanted.version in GOOD and not _troubled(record):
            raise Violated(f"{server}: it failed though nothing was in its way: {error}") from error
        under_way = record is not None and record.transaction is not None
        if before and not under_way and str(served) != before and not _troubled(record):
            raise Violated(f"{server}: it failed, and {before} became {served}: {error}") from error

    def _check_removed(self, server: str) -> None:
        world, left = self.world, []
        for path in (world.layout.state / server / "journal.json", *world.files.root.glob(f"{server}/*/*")):
            left += [str(path)] if path.exists() else []
        left += [str(path) for path in world.supervisor.folder.glob(f"{server}-*")]
        left += [
            f"{item.server}/{item.slot}" for item in world.supervisor.processes() if item.server == server
        ]
        for name, entries in world.haproxy.maps.items():
            left += [f"{name}: {key}" for key in entries if server in key.split("/")]
        if left or self.invariants.now_served(server):
            raise Violated(f"{server}: removed, and yet there is {', '.join(left) or 'something served'}")


def _settle(converger: Converger, apply: bool) -> Outcome:
    return converger.present("settled", apply)


def _recovered(converger: Converger, apply: bool) -> Outcome | None:
    return converger.recovered(lambda record: record.transaction is not None, "a run was cut off")


def _held(record: Record | None) -> Iterator[Path]:
    """Where the releases of a server's slots are, and of the one that an update has displaced."""
    if record is None:
        return
    displaced = record.transaction.displaced if record.transaction else None
    for deployment in (*record.slots.values(), *([displaced] if displaced else [])):
        yield Path(deployment.path)


def _configuration(wanted: ServerDefinition) -> str:
    if wanted.credentials["SECRET"] == "k":
        return "other secret"
    return "other word" if wanted.arguments[-1] == "bye" else "plain"


def _troubled(record: Record | None) -> bool:
    """Whether a release that is no good is part of what there was to go on from."""
    held = [] if record is None else list(record.slots.values())
    if record is not None and record.transaction is not None and record.transaction.displaced is not None:
        held.append(record.transaction.displaced)
    return any(deployment.version not in GOOD for deployment in held)


def _free(path: Path) -> bool:
    if not path.exists():
        return True
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _shown(ended: Ended) -> str:
    if ended.outcome is None:
        return f"failed: {ended.error}" if ended.error else "gone"
    return f"did {', '.join(ended.outcome.plan.lines()) or 'nothing'}"
