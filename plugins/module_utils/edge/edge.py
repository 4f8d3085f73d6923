# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of one host: map files first, then the running HAProxy, then a look whether they agree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from ..flock import held
from .eras import Worker, workers
from .maps import NAMES, Maps, ServerMaps, Target, parse, render
from .runtime import Runtime

_WAIT = 60.0


@dataclass(frozen=True)
class Traffic:
    """What one generation has at the edge: live sessions, requests under way (streams included), and
    counts since HAProxy started: requests, and those with an answer of 5xx or none (``failed``; a client that
    goes away before the answer is among them: HAProxy 2.6 cannot tell)."""

    sessions: int = 0
    open_requests: int = 0
    requests: int = 0
    failed: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.sessions + other.sessions,
            self.open_requests + other.open_requests,
            self.requests + other.requests,
            self.failed + other.failed,
        )


class Edge:
    """Routes of this host's HAProxy. Each method that changes something holds the edge's lock meanwhile."""

    def __init__(self, effects: Effects, maps: Path, runtime: Runtime, master: Runtime | None = None) -> None:
        self._effects = effects
        self._maps = maps
        self._runtime = runtime
        self._master = master

    def file(self, server: str) -> ServerMaps:
        """What the map files say: what HAProxy serves after its next start."""
        return self._read_files().of(server)

    def running(self, server: str) -> ServerMaps:
        """What the running HAProxy serves.

        :raises FleetError: when it cannot be asked.
        """
        return self._read_runtime().of(server)

    def standing(self, server: str) -> ServerMaps:
        """What serves: what the files say, or HAProxy where they lead nowhere (somebody edited them), or both
        together.

        :raises FleetError: when it has to be asked and cannot.
        """
        return self._standing(self._read_files(), server)

    def ports(self) -> dict[int, str]:
        """Ports to which the files send clients, with the server whose clients they are."""
        return {target.port: name for (name, _number), target in self._read_files().generations.items()}

    def agrees(self, server: str) -> bool:
        """Whether files and running HAProxy say the same of a server."""
        return self.file(server) == self.running(server)

    def add_generation(self, server: str, generation: int, target: Target) -> None:
        """Make a generation reachable for sessions that carry its tag; no new client gets there."""
        with self._changing() as maps:
            part = self._standing(maps, server)
            # Routes are a switch's to change: those of clients stay, whatever somebody wrote into the file.
            routes = self._read_runtime().of(server).routes or part.routes
            generations = {**part.generations, generation: target}
            self._commit(server, replace(part, generations=generations, routes=routes))

    def switch(
        self, server: str, generation: int, route: str, right: Mapping[int, Target] | None = None
    ) -> float:
        """Send new clients of ``route`` to a generation; seconds until HAProxy confirmed it.

        :param right: where generations lead, whatever somebody wrote into the file.
        """
        started = time.monotonic()
        with self._changing() as maps:
            part = self._standing(maps, server)
            part = replace(part, generations={**part.generations, **(right or {})})
            if generation not in part.generations:
                raise FleetError(
                    f"switch to generation {generation}",
                    "the edge does not know it",
                    "Run the update again.",
                    server,
                )
            self._refuse_taken(maps, server, route)
            self._commit(server, replace(part, active=generation, routes=routes_of(route)))
        return time.monotonic() - started

    def refuse_taken(self, server: str, route: str) -> None:
        """:raises FleetError: when the route is another server's."""
        self._refuse_taken(self._read_files(), server, route)

    @staticmethod
    def _refuse_taken(maps: Maps, server: str, route: str) -> None:
        owners = {maps.routes[path] for path in routes_of(route) if path in maps.routes} - {server}
        if owners:
            raise FleetError(
                f"serve {server} at {route}",
                f"{', '.join(sorted(owners))} is served there",
                "Choose another route, or remove that server first (state: absent).",
                server,
            )

    def retire(self, server: str, generations: set[int]) -> None:
        """Forget generations: what still carries their tag gets the specification's 404."""
        with self._changing() as maps:
            part = self._standing(maps, server)
            kept = {
                number: target for number, target in part.generations.items() if number not in generations
            }
            if part.active in generations:
                raise FleetError(
                    f"retire generation {part.active}", "it is the active one", "Switch first.", server
                )
            self._commit(server, replace(part, generations=kept))

    def close(self, server: str) -> None:
        """Give a server no new clients; its sessions still reach their generations."""
        with self._changing() as maps:
            part = self._standing(maps, server)
            self._commit(server, replace(part, active=None))

    def remove(self, server: str) -> None:
        """Take a server off the edge altogether."""
        with self._changing():
            self._commit(server, ServerMaps())

    def synchronise(self) -> None:
        """Make the running HAProxy serve what the files say, of all servers."""
        with self._changing():
            self._commit()

    def traffic(self, server: str, generation: int) -> Traffic:
        """What a generation has, requests of HAProxy processes that a reload left behind included."""
        key = f"{server}/g{generation}"
        counters = self._counters(self._runtime, key)
        streams = self._counters(self._runtime, f"{key}/streams")
        live = self._runtime.table("sessions", "data.gpt0 eq 0")
        requests, under_way = counters.get("http_req_cnt", 0), counters.get("conn_cur", 0)
        return Traffic(
            sessions=sum(1 for name in live if name.startswith(f"{key}~")),
            open_requests=under_way + streams.get("conn_cur", 0) + self._left_behind(key),
            requests=requests,
            failed=max(0, requests - under_way - counters.get("gpc0", 0)),
        )

    def uptime(self) -> int:
        """Seconds for which HAProxy has counted sessions."""
        return self._runtime.uptime()

    def eras(self) -> tuple[Worker, ...]:
        """What HAProxy has counted of each era of all servers, by process; the present one first."""
        return workers(self._runtime, self._master)

    @staticmethod
    def _counters(runtime: Runtime, key: str, process: str = "") -> dict[str, int]:
        return runtime.table("generations", f"key {key}", process).get(key, {})

    def _left_behind(self, key: str) -> int:
        if self._master is None:
            return 0
        old = self._master.ask("show proc").partition("# old workers")[2]
        return sum(
            self._counters(self._master, counted, f"@!{line.split()[0]} ").get("conn_cur", 0)
            for line in old.splitlines()
            if line[:1].isdigit()
            for counted in (key, f"{key}/streams")
        )

    def _path(self, name: str) -> Path:
        return self._maps / f"{name}.map"

    def _read_files(self) -> Maps:
        try:
            return Maps.from_entries({name: self._read_file(name) for name in NAMES})
        except ValueError as error:
            raise FleetError(
                f"read the edge's maps in {self._maps}", str(error), "Remove the foreign entry."
            ) from error

    def _read_file(self, name: str) -> Mapping[str, str]:
        try:
            return parse(self._path(name).read_text())
        except FileNotFoundError as error:
            raise FleetError(
                f"read the edge's map {self._path(name)}",
                "it is not there",
                "Run the role edge on this host.",
            ) from error

    def _standing(self, maps: Maps, server: str) -> ServerMaps:
        part = maps.of(server)
        if part.active in part.generations:
            return part
        running = self._read_runtime().of(server)
        if running.active in running.generations:
            return running
        # Each alone leads nowhere; what one of them lost the other may still have.
        generations = {**running.generations, **part.generations}
        active = next((each for each in (part.active, running.active) if each in generations), None)
        if active is None:
            return part
        return ServerMaps(part.routes or running.routes, active, generations)

    def _read_runtime(self) -> Maps:
        return Maps.ours(self._entries())

    def _entries(self) -> dict[str, dict[str, str]]:
        """All that the running HAProxy has in its maps, what is not ours included."""
        return {name: self._runtime.map_entries(self._path(name)) for name in NAMES}

    @contextmanager
    def _changing(self) -> Iterator[Maps]:
        """Hold the lock of the edge; other servers of the host share its files.

        :raises FleetError: when another run does not let go of it.
        """
        with held(self._maps / ".lock", _WAIT):
            yield self._read_files()

    def _commit(self, server: str = "", part: ServerMaps | None = None) -> None:
        """Bring files and runtime there; once more where HAProxy was restarted in the middle of it.

        Where files and runtime differ in another server's part they go on doing so: it is not ours to judge.
        """
        try:
            self._write(server, part)
        except FleetError:
            self._write(server, part)

    def _write(self, server: str, part: ServerMaps | None) -> None:
        """Files, then runtime, each map only where it differs, then read back."""
        process, _uptime = self._runtime.identity()
        on_file, running = self._read_files(), self._entries()
        wanted = on_file.with_server(server, part) if part else on_file
        for name in _order(on_file, wanted):
            if wanted.entries(name) != on_file.entries(name):
                self._effects.write_file(self._path(name), render(wanted.entries(name)))
        wanted = Maps.ours(running).with_server(server, part) if part else on_file
        for name in _order(Maps.ours(running), wanted):
            if wanted.entries(name) != running[name]:
                self._runtime.replace_map(self._path(name), wanted.entries(name), process)
        if self._entries() != {name: wanted.entries(name) for name in NAMES}:
            raise FleetError(
                "switch the edge", "HAProxy does not show what it was told", "Look at the edge's log."
            )


def routes_of(route: str) -> tuple[str, ...]:
    """The public paths of a route: with and without a slash at its end."""
    bare = route.rstrip("/")
    return (bare, f"{bare}/") if bare else ("/",)


def _order(present: Maps, wanted: Maps) -> tuple[str, ...]:
    """What is referred to is added before and removed after what refers to it."""
    shrinking = set(present.generations) - set(wanted.generations) or set(present.active) - set(wanted.active)
    return NAMES[::-1] if shrinking else NAMES
