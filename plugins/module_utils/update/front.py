# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between clients and slots: the edge for HTTP servers, the launcher for stdio servers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from ..definition.server import ServerDefinition
from ..edge.edge import Traffic, routes_of
from ..edge.maps import ServerMaps, Target
from ..errors import FleetError
from ..journal.record import SLOTS, Record
from .host import Host, port_of


class Front(Protocol):
    """New clients reach one slot through it; the others keep what they have."""

    def serving(self) -> str | None:
        """The slot that new clients reach, by what survives a restart; None: no slot."""

    def consistent(self, route: str | None) -> bool:
        """Whether what runs agrees with what survives a restart, and with ``route`` where one is given."""

    def address(self) -> str | None:
        """Where clients find the server: a URL or a path."""

    def prepare(self, slot: str, generation: int, address: str, path: str) -> None:
        """Make a slot known under a generation; no new client gets there."""

    def switch(self, slot: str, generation: int, route: str) -> float:
        """Send new clients to a slot; seconds until that was confirmed."""

    def synchronise(self, route: str) -> None:
        """Put right what ``consistent`` found."""

    def connected(self, slot: str) -> Traffic:
        """What is connected to a slot, all its generations together."""

    def watched_for(self) -> float:
        """Seconds for which idle sessions have been counted; the older ones are not known."""

    def retire(self, slot: str) -> None:
        """Let nothing reach a slot any more."""

    def close(self) -> None:
        """Let no new client reach the server; what is connected goes on."""

    def withdraw(self) -> None:
        """Let nothing reach the server any more."""


@dataclass(frozen=True)
class EdgeFront:
    """A server's routes and generations at this host's HAProxy. A slot is known there by its port."""

    host: Host
    record: Record

    @property
    def server(self) -> str:
        return self.record.server

    def serving(self) -> str | None:
        part = self._part()
        target = part.generations.get(part.active) if part.active is not None else None
        return next((slot for slot in SLOTS if target and target.port == port_of(self.record, slot)), None)

    def consistent(self, route: str | None) -> bool:
        part = self.host.edge.running(self.server)
        wanted = tuple(sorted(routes_of(route))) if route else part.routes
        on_file = self.host.edge.file(self.server)
        return part == on_file and part.routes == wanted and on_file.generations == self._part().generations

    def address(self) -> str | None:
        routes = self.host.edge.file(self.server).routes
        return self.host.layout.edge.url(routes[0]) if routes else None

    def prepare(self, slot: str, generation: int, address: str, path: str) -> None:
        port = port_of(self.record, slot)
        if port is None:
            raise FleetError(f"route to {slot}", "it has no port", "Run the update again.", self.server)
        self.host.edge.add_generation(self.server, generation, Target(address, port, path))

    def switch(self, slot: str, generation: int, route: str) -> float:
        return self.host.edge.switch(self.server, generation, route)

    def synchronise(self, route: str) -> None:
        part = self._part()
        if part.active is not None:
            self.host.edge.switch(self.server, part.active, route, part.generations)

    def connected(self, slot: str) -> Traffic:
        generations = self._generations(slot)
        return sum((self.host.edge.traffic(self.server, number) for number in generations), Traffic())

    def watched_for(self) -> float:
        return self.host.edge.uptime()

    def retire(self, slot: str) -> None:
        # Also where the files have none any more: a run that was killed may not have told the running edge.
        self.host.edge.retire(self.server, self._generations(slot))

    def close(self) -> None:
        self.host.edge.close(self.server)

    def withdraw(self) -> None:
        self.host.edge.remove(self.server)

    def _part(self) -> ServerMaps:
        """What serves, with generations that lead where the record, or else HAProxy, says: files may have
        been edited by hand."""
        part = self.host.edge.standing(self.server)
        try:
            running = self.host.edge.running(self.server).generations
        except FleetError:
            return part
        found = {
            number: self._right(number == part.active, target, running.get(number, target))
            for number, target in part.generations.items()
        }
        return replace(part, generations=found)

    def _right(self, active: bool, on_file: Target, runs: Target) -> Target:
        known = {slot: target for slot in SLOTS if (target := self._recorded(slot)) is not None}
        recorded = set(known.values())
        if on_file == runs and on_file in recorded:
            return on_file
        settled = self.record.active if active and self.record.transaction is None else None
        expected = known.get(settled or "")
        if expected is not None and (expected == runs or not {on_file, runs} & recorded):
            return expected
        return runs if runs in recorded and on_file not in recorded else on_file

    def _recorded(self, slot: str) -> Target | None:
        """Where a slot listens, as far as the record knows it."""
        deployment, port = self.record.slots.get(slot), port_of(self.record, slot)
        if deployment is None or deployment.address is None or port is None:
            return None
        return Target(deployment.address, port, deployment.endpoint)

    def _generations(self, slot: str) -> set[int]:
        port = port_of(self.record, slot)
        part = self.host.edge.standing(self.server)
        return {number for number, target in part.generations.items() if target.port == port}


@dataclass(frozen=True)
class LauncherFront:
    """A stdio server's launcher ``bin/NAME``: clients start it; what runs finishes on its own release."""

    host: Host
    record: Record

    @property
    def server(self) -> str:
        return self.record.server

    def serving(self) -> str | None:
        return self.host.launchers.pointed(self.server)

    def consistent(self, route: str | None) -> bool:
        return True

    def address(self) -> str | None:
        return str(self.host.layout.launchers / self.server)

    def prepare(self, slot: str, generation: int, address: str, path: str) -> None:
        pass

    def switch(self, slot: str, generation: int, route: str) -> float:
        started = self.host.senses.monotonic()
        self.host.launchers.point(self.server, slot)
        return self.host.senses.monotonic() - started

    def synchronise(self, route: str) -> None:
        pass

    def connected(self, slot: str) -> Traffic:
        launched = self.host.senses.launched(self.host.files.root, self.server)
        return Traffic(sessions=sum(1 for process in launched if process.slot == slot))

    def watched_for(self) -> float:
        return float("inf")

    def retire(self, slot: str) -> None:
        pass

    def close(self) -> None:
        self.host.launchers.remove(self.server)

    def withdraw(self) -> None:
        self.host.launchers.remove(self.server)


def front_of(host: Host, definition: ServerDefinition, record: Record) -> Front:
    """The front that a definition's transport asks for."""
    return (EdgeFront if definition.over_http else LauncherFront)(host, record)
