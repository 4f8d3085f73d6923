# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients and what they reach; and what a probe of a server finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import (
    ERAS,
    INCONCLUSIVE,
    LEGACY,
    MODERN,
    SERVED,
    EraProbe,
    ProbeReport,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import (
    HttpTarget,
    Target,
    ToolCall,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.slot import process
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import Launched, Listener

from .clock import Clock
from .haproxy import Counters, HAProxy, Live
from .supervisor import Identity, Running, Supervisor, launcher_starts, script_starts

EDGE_PORT = 8700
REQUESTS = 5
"""Requests of clients without a session, each time the clock moves."""
TOOL = {"name": "whoami", "inputSchema": {"type": "object"}}


@dataclass
class Session:
    """A legacy session at the edge. A quiet one only waits. ``until``: when its client ends it."""

    server: str
    tag: str
    key: str
    pid: int
    identity: Identity
    quiet: bool
    until: float
    seen: float


class Network:
    """All requests pass here. ``proven`` is what has passed a full probe before it had clients."""

    def __init__(self, clock: Clock, haproxy: HAProxy, supervisor: Supervisor, bin: Path, files: SlotFiles):
        self.clock = clock
        self.haproxy = haproxy
        self.supervisor = supervisor
        self.sessions: list[Session] = []
        self.programs: list[Launched] = []
        self.proven: set[tuple[str, Identity]] = set()
        self._bin = bin
        self._files = files
        self._numbers = 0

    def at(self, target: str | None) -> Running | None:
        """The process behind a target of the map ``generations``."""
        return self.supervisor.listening(int(target.split("|")[1])) if target else None

    def serving(self, server: str) -> Running | None:
        """The process that a new client of an HTTP server reaches."""
        way = self.haproxy.route(f"/{server}")
        return self.at(way[2]) if way and way[0] == server else None

    def launches(self, server: str) -> tuple[str, Identity] | None:
        """Slot and identity of what a new client of a stdio server starts."""
        return launcher_starts(self._bin, server, self._files)

    def request(self, path: str, checks: bool = False) -> Running | None:
        """One request of a client without a session; the process that answered well.

        ``checks``: it is no tool that is called.
        """
        way = self.haproxy.route(path)
        if way is None:
            return None
        counters = self.haproxy.generations.setdefault(f"{way[0]}/{way[1]}", Counters())
        counters.requests += 1
        process = self.at(way[2])
        if process is None:
            return None
        process.requests += 1
        if process.used_up("dies-in-use"):
            self.supervisor.end(process)
            return None
        if process.used_up("fails-in-use") and not checks:
            return None
        counters.answered += 1
        return process

    def open_session(self, server: str, seconds: float, quiet: bool) -> None:
        """A client begins a legacy session, when it is served at all, or starts a stdio server."""
        self._numbers += 1
        starts = self.launches(server)
        if starts:
            identity = process.Identity(self._numbers, self._numbers)
            self.programs.append(Launched(identity, server, starts[0], self.clock.time))
        way = self.haproxy.route(f"/{server}")
        running = self.request(f"/{server}")
        if way is None or running is None:
            return
        key, now = f"{server}/{way[1]}~{self._numbers}", self.clock.time
        self.haproxy.sessions[key] = Live(now)
        until = now + seconds
        self.sessions.append(Session(server, way[1], key, running.pid, running.identity, quiet, until, now))

    def target_of(self, session: Session) -> str | None:
        """Where the edge sends a session's requests; None: it answers 404."""
        return self.haproxy.maps["generations"].get(f"{session.server}/{session.tag}")

    def end_session(self, session: Session) -> None:
        """A client ends its session, or was told that it has ended."""
        self.sessions.remove(session)
        if self.haproxy.up and self.target_of(session):
            self.haproxy.sessions[session.key] = Live(self.clock.time, ended=True)

    def probe(
        self, target: Target, *, timeout: float, calls: Sequence[ToolCall] = (), eras: Sequence[str] = ERAS
    ) -> ProbeReport:
        """As ``protocol.probe``."""
        server, identity, problem = self._look(target)
        tools = () if identity is None or "lacks-the-tool" in identity.version else (TOOL,)
        if identity and problem == "loses-the-tool-in-use":
            tools, problem = (), None
        if problem:
            silent = [EraProbe(era, INCONCLUSIVE, problem) for era in (MODERN, LEGACY)]
            return ProbeReport(silent[0], silent[1])
        if identity and tools and not self._through_edge(target):
            self.proven.add((server, identity))
        modern, legacy = (
            EraProbe(era, SERVED, "answered", tools=tools, opening_seconds=0.01) for era in (MODERN, LEGACY)
        )
        return ProbeReport(modern, legacy)

    def ping(self, target: Target, *, timeout: float, era: str) -> EraProbe:
        """As ``protocol.ping``."""
        _server, identity, problem = self._look(target)
        if identity is None or (problem and problem != "loses-the-tool-in-use"):
            return EraProbe(era, INCONCLUSIVE, problem or "")
        return EraProbe(era, SERVED, "answered", opening_seconds=0.01)

    def listeners(self, port: int) -> list[Listener]:
        """As ``slot.process.listeners``."""
        running = self.supervisor.listening(port)
        return [Listener("127.0.0.1", port, frozenset({running.pid}))] if running else []

    def owns_port(self, pid: int, port: int) -> Listener | None:
        """As ``slot.process.owns_port``."""
        return next((item for item in self.listeners(port) if pid in item.pids), None)

    def ports_of(self, pid: int) -> list[int]:
        """As ``slot.process.ports_of``."""
        return [item.port for item in self.supervisor.processes() if item.pid == pid and item.listens]

    def launched(self, root: Path, server: str | None = None) -> list[Launched]:
        """As ``slot.process.launched``."""
        return [item for item in self.programs if server in (None, item.server)]

    @staticmethod
    def _through_edge(target: Target) -> bool:
        return isinstance(target, HttpTarget) and urlsplit(target.url).port == EDGE_PORT

    def _look(self, target: Target) -> tuple[str, Identity | None, str | None]:
        """The server and what answers there; and why that is no good answer."""
        self.clock.advance(0.01)
        if not isinstance(target, HttpTarget):
            script = Path(target.argv[-1])
            identity = script_starts(script, self._files)
            bad = ("dies-at-start", "listens-on-nothing", "speaks-no-mcp")
            fails = identity is None or any(word in identity.version for word in bad)
            return script.parent.parent.name, identity, "it ended" if fails else None
        parts = urlsplit(target.url)
        through_edge = parts.port == EDGE_PORT
        running = (
            self.request(parts.path, checks=True)
            if through_edge
            else self.supervisor.listening(parts.port or 0)
        )
        if running is None:
            return "", None, "no answer"
        if "speaks-no-mcp" in running.identity.version:
            return running.server, running.identity, "it is no JSON-RPC"
        loses = "loses-the-tool-in-use"
        return running.server, running.identity, loses if running.used_up(loses) else None
