# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between any two effects, and whenever nothing runs."""

from __future__ import annotations

import json
import os
from operator import is_not
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.line import Head
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import NAMES, Maps, ServerMaps, parse
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import SLOTS
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import trail_of

from .haproxy import Live
from .network import Session
from .packages import BAD_IN_USE, NEVER_READY
from .supervisor import Identity
from .world import World

DRAIN = 2.0
"""Seconds that the definitions of all histories give sessions to end."""
FOREIGN = "foreign"
"""The key of an entry in a map that is none of the fleet's."""


class Violated(AssertionError):
    """An invariant does not hold."""


class Invariants:
    """Watches one host.

    ``served``: what clients of a server get, as long as nothing but an update may take it from them.
    ``outage``: servers that something befell; they must come back by themselves. ``tampered``: servers that
    somebody changed by hand; until a run has succeeded only what still serves must go on serving.
    """

    def __init__(self, world: World, http: tuple[str, ...], stdio: tuple[str, ...]) -> None:
        self.world = world
        self.http = http
        self._paths = [world.layout.edge.maps / f"{name}.map" for name in NAMES]
        self.stdio = stdio
        self.served: dict[str, Identity] = {}
        self.outage: set[str] = set()
        self.tampered: set[str] = set()
        self._files = self._runtime = Maps()
        self._on_disk: tuple[tuple[int, int], ...] = ()
        self._in_memory: list[dict[str, str]] = []
        self._look()
        self._before: dict[str, int | None] = {}
        self._left: dict[tuple[str, str], float] = {}
        self._recorded = Head()

    def between(self, point: str) -> None:
        """To be called before and after every effect."""
        self._check_moves(point)
        for server in (*self.http, *self.stdio):
            self._check_served(server, point)
        for session in list(self.world.network.sessions):
            self._use(session, point)

    def happened(self, *servers: str) -> None:
        """Something befell these servers that may take them from their clients for a moment."""
        self.outage.update(servers)

    def changed_by_hand(self, *servers: str) -> None:
        """Somebody changed something of these servers."""
        self.tampered.update(servers)
        self._on_disk, self._in_memory = (), []
        self._look()
        for server in servers:
            if self.now_served(server) != self.served.get(server):
                self.served.pop(server, None)
        for session in list(self.world.network.sessions):
            if session.server in servers:
                self.world.network.sessions.remove(session)

    def forget_lost_sessions(self) -> None:
        """A session ends with the process that held it."""
        pids = {running.pid for running in self.world.supervisor.processes()}
        sessions = self.world.network.sessions
        sessions[:] = [session for session in sessions if session.pid in pids]

    def now_served(self, server: str) -> Identity | None:
        """What a new client gets now."""
        if server in self.stdio:
            starts = self.world.network.launches(server)
            return starts[1] if starts else None
        running = self.world.network.serving(server)
        return running.identity if running else None

    def at_rest(self) -> None:
        """To be called when nothing runs, once whatever befell the host has had time to come back."""
        self.between("at rest")
        for server in (*self.http, *self.stdio):
            record = self._journal(server)
            if server in self.outage and server in self.served:
                self._check_came_back(server)
            self.outage.discard(server)
            if server not in self.tampered and record is not None:
                self._check_record(server, record)
        self._check_audit()

    def _check_audit(self) -> None:
        """Whatever befell the host, all that is on record is there, unchanged and in order."""
        chain = check(trail_of(self.world.layout, Effects()).parts(), self._recorded)
        if chain.problems:
            raise Violated(f"the audit is not whole: {chain.problems[0]}")
        self._recorded = chain.head

    def _check_came_back(self, server: str) -> None:
        if self.now_served(server) is not None or self._is_taken_away(server):
            return
        expected, record = self.served.pop(server), self._journal(server)
        # A reboot may bring up, unwatched, what was just being switched to; the next run goes back from it.
        held = record["slots"].values() if record and record["transaction"] else ()
        doubtful = expected.version in BAD_IN_USE or any(item["version"] in BAD_IN_USE for item in held)
        if server not in self.tampered and not doubtful:
            raise Violated(f"{server}: its clients had {expected}, and it did not come back")

    def _check_moves(self, point: str) -> None:
        """Files before runtime, and neither without an intent in the journal."""
        files, runtime = self._files, self._runtime
        if not self._look():
            return
        for server in self.http:
            before, now = files.active.get(server), self._files.active.get(server)
            if before != now:
                if server not in self.tampered:
                    self._check_intent(server, now, point)
                self._before[server] = before
            ran, runs = runtime.active.get(server), self._runtime.active.get(server)
            if ran != runs:
                self._left[server, f"g{ran}"] = self.world.clock.time
                if self.world.haproxy.up and runs != now:
                    raise Violated(f"{server}: HAProxy went to g{runs}, its file says g{now} ({point})")

    def _check_intent(self, server: str, generation: int | None, point: str) -> None:
        record = self._journal(server)
        transaction = record and record["transaction"]
        if generation is None:
            journaled = transaction and (transaction["kind"] == "remove" or transaction["origin"] is None)
        else:
            # What was renamed and not yet synced may be what it was before again.
            known = transaction and (transaction["generation"], self._before.get(server))
            journaled = known and generation in known
        if not journaled:
            raise Violated(f"{server}: traffic moved to g{generation} without a journaled intent ({point})")

    def _check_served(self, server: str, point: str) -> None:
        identity, expected = self.now_served(server), self.served.get(server)
        if identity is not None:
            self._check_proven(server, identity, point)
            self.served[server] = identity
            self.outage.discard(server)
        # Asked in an outage, too: later the journal may not tell any more.
        elif expected and not self._is_taken_away(server) and server not in self.outage:
            if expected.version in BAD_IN_USE:
                self.outage.add(server)
                return
            raise Violated(f"{server}: its clients had {expected}, and now nothing answers ({point})")

    def _is_taken_away(self, server: str) -> bool:
        """By a removal, or because what was deployed first was no good."""
        record, version = self._journal(server), self.served[server].version
        if record is None:
            taken = server not in self.tampered
        elif record["transaction"] is None:
            taken = not record["slots"] and record["last"]["source"] == f"box@{version}"
        else:
            transaction = record["transaction"]
            first = transaction["origin"] is None and transaction["kind"] == "update"
            held = record["slots"].get(transaction["target"])
            taken = transaction["kind"] == "remove" or (first and held["version"] == version)
        if taken:
            del self.served[server]
        return taken

    def _check_proven(self, server: str, identity: Identity, point: str) -> None:
        if server in self.tampered:
            return
        if identity.version in NEVER_READY or (server, identity) not in self.world.network.proven:
            raise Violated(f"{server}: new clients get {identity}, which was not proven ready ({point})")

    def _use(self, session: Session, point: str) -> None:
        """A session reaches its own release, or 404 once that is gone and its time to drain is over."""
        network, now = self.world.network, self.world.clock.time
        if not self.world.haproxy.up:
            return
        target = network.target_of(session)
        running = network.at(target)
        if target is None:
            self._check_cut(session, point)
            network.end_session(session)
        elif running is None or running.pid != session.pid:
            if running is not None and running.identity != session.identity:
                raise Violated(
                    f"{session.server}: a session of {session.identity} ({session.tag}) reached"
                    f" {running.identity} ({point})"
                )
            if session.server not in self.outage and session.identity.version not in BAD_IN_USE:
                self._check_cut(session, point)
            network.end_session(session)
        elif now >= session.until:
            network.end_session(session)
        elif not session.quiet:
            session.seen = now
            self.world.haproxy.sessions[session.key] = Live(now)

    def _check_cut(self, session: Session, point: str) -> None:
        left = self._left.get((session.server, session.tag))
        waited = self.world.clock.time - left if left is not None else 0.0
        idle = self.world.clock.time - session.seen
        if waited + 0.01 >= DRAIN or idle >= self.world.haproxy.session_idle:
            return
        if session.server in self.tampered | self.outage:
            return
        cut = f"a session of {session.tag} was cut after {waited:.2f} s of {DRAIN:g} s"
        raise Violated(f"{session.server}: {cut} ({point})")

    def _check_record(self, server: str, record: dict[str, Any]) -> None:
        transaction, active = record["transaction"], record["active"]
        if server in self.stdio:
            starts = self.world.network.launches(server)
            if transaction is None and (starts[0] if starts else None) != active:
                raise Violated(f"{server}: the launcher starts {starts}, the journal says {active}")
            return
        part = self._files.of(server)
        if self.world.haproxy.up and part != self._runtime.of(server) and transaction is None:
            raise Violated(f"{server}: file and HAProxy disagree, and no intent explains it")
        if (part.active or 0) > record["generation"]:
            raise Violated(f"{server}: g{part.active} is active, the journal knows {record['generation']}")
        if transaction is not None:
            return
        if _slot(record, part) != active:
            raise Violated(f"{server}: {_slot(record, part)} serves, the journal says {active}")
        for slot in SLOTS:
            if slot != active and self.world.supervisor.program(server, slot):
                raise Violated(f"{server}: nothing is under way, and {slot} still runs")

    def _journal(self, server: str) -> dict[str, Any] | None:
        """The record on the disk, as it stands; None when there is none or it is damaged."""
        try:
            record: dict[str, Any] = json.loads(
                (self.world.layout.state / server / "journal.json").read_text()
            )
        except (FileNotFoundError, ValueError):
            return None
        return record

    def _look(self) -> bool:
        """Read map files and HAProxy's maps where they changed; whether they did."""
        abouts = [os.stat(path) for path in self._paths]
        on_disk = tuple((about.st_ino, about.st_mtime_ns) for about in abouts)
        in_memory = [self.world.haproxy.maps[name] for name in NAMES]
        changed = False
        if on_disk != self._on_disk:
            texts = (path.read_text() for path in self._paths)
            self._files, self._on_disk = _maps(dict(zip(NAMES, map(parse, texts), strict=True))), on_disk
            changed = True
        if not self._in_memory or any(map(is_not, in_memory, self._in_memory)):
            self._runtime, self._in_memory = _maps(self.world.haproxy.maps), in_memory
            changed = True
        return changed


def _maps(entries: dict[str, dict[str, str]]) -> Maps:
    # HAProxy goes on with what somebody wrote into a file, though it is gone there, until it is started anew.
    ours = {name: {key: found[key] for key in found if key != FOREIGN} for name, found in entries.items()}
    return Maps.from_entries(ours)


def _slot(record: dict[str, Any], part: ServerMaps) -> str | None:
    target = part.generations.get(part.active) if part.active is not None else None
    return next(
        (slot for slot, port in zip(SLOTS, record["ports"], strict=False) if target and target.port == port),
        None,
    )
