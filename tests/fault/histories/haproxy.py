# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy as its runtime interface shows it: maps with prepare, add and commit; two tables; an uptime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import NAMES, parse
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

from .clock import Clock

RESTART = 0.1
"""Seconds for which a killed HAProxy is not there."""


@dataclass
class Counters:
    """One generation's entry in the table ``generations``."""

    requests: int = 0
    answered: int = 0


@dataclass
class Live:
    """One session's entry in the table ``sessions``; ``ended`` is its gpt0."""

    seen: float
    ended: bool = False


@dataclass
class HAProxy:
    """What a running HAProxy holds; all of it is read anew, or lost, when it starts again."""

    clock: Clock
    folder: Path
    session_idle: float
    up: bool = False
    started: float = 0.0
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    prepared: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    generations: dict[str, Counters] = field(default_factory=dict)
    sessions: dict[str, Live] = field(default_factory=dict)
    _version: int = 0

    def start(self) -> None:
        """Read the map files, with nothing remembered."""
        self.up, self.started = True, self.clock.time
        self.maps = {name: parse((self.folder / f"{name}.map").read_text()) for name in NAMES}
        self.prepared, self.generations, self.sessions = {}, {}, {}

    def kill(self, seconds: float = RESTART) -> None:
        """kill -9; it is started again after so many seconds."""
        if self.up:
            self.up = False
            self.clock.after(seconds, self.start)

    def route(self, path: str) -> tuple[str, str, str] | None:
        """Where a request without a session goes: server, generation's tag and target; None: nowhere."""
        server = self.maps["routes"].get(path) if self.up else None
        tag = self.maps["active"].get(server) if server else None
        target = self.maps["generations"].get(f"{server}/{tag}") if tag else None
        return (server, tag, target) if server and tag and target else None

    def answer(self, command: str) -> str:
        """The answer to one command of the runtime interface."""
        line, _line_break, body = command.partition("\n")
        words = line.replace("<<", "").split()
        verb = " ".join(words[:2])
        if verb == "show map":
            version = words[2] if words[2].startswith("@") else ""
            if version and version not in self.prepared:
                return "Version number is unknown."
            held = self.prepared[version][1] if version else self.maps[Path(words[2]).stem]
            rows = enumerate(held.items())
            return "\n".join(f"0x{number:x} {key} {value}" for number, (key, value) in rows)
        if verb == "prepare map":
            self._version += 1
            self.prepared[f"@{self._version}"] = (Path(words[2]).stem, {})
            return f"New version created: {self._version}"
        if verb in ("add map", "commit map"):
            return self._change(words, body)
        if verb == "show table":
            return self._table(words[2], words[3:])
        if verb == "show info":
            seconds = int(self.clock.time - self.started)
            return f"Name: HAProxy\nPid: {int(self.started * 1000) + 1}\nUptime_sec: {seconds}"
        raise AssertionError(f"HAProxy does not know {command!r} here")

    def _change(self, words: list[str], body: str) -> str:
        version, name = words[2], Path(words[3]).stem
        if self.prepared.get(version, ("",))[0] != name:
            return "Version number is unknown."
        if words[0] == "add":
            pairs = (line.split(" ", 1) for line in body.splitlines() if line)
            self.prepared[version][1].update((pair[0], pair[1]) for pair in pairs)
        else:
            self.maps[name] = self.prepared.pop(version)[1]
        return ""

    def _table(self, name: str, condition: list[str]) -> str:
        rows: Mapping[str, str]
        if name == "eras":
            rows = {}
        elif name == "generations":
            key = condition[1]
            found = self.generations.get(key)
            rows = {key: f"http_req_cnt={found.requests} gpc0={found.answered}"} if found else {}
        else:
            oldest = self.clock.time - self.session_idle
            live = {key for key, entry in self.sessions.items() if entry.seen >= oldest and not entry.ended}
            rows = dict.fromkeys(sorted(live), "gpt0=0")
        return "\n".join(f"0x1: key={key} use=0 exp=1 conn_cur=0 {text}" for key, text in rows.items())


class SimulatedRuntime(Runtime):
    """The real commands to a made-up HAProxy."""

    def __init__(self, effects: Effects, haproxy: HAProxy) -> None:
        super().__init__(effects, haproxy.folder / "haproxy.sock")
        self._haproxy = haproxy

    def send(self, command: str) -> str:
        """As the real one it waits 2 s for an HAProxy that is being restarted."""
        if not self._haproxy.up:
            self._haproxy.clock.advance(2.0)
        if not self._haproxy.up:
            raise FleetError("ask HAProxy", "nobody listens", "Start the edge (role edge).")
        return self._haproxy.answer(command)
