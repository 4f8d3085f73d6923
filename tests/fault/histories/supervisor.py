# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of slots, and what keeps them up: it starts them from their files, again and at boot."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.driver import Process, State, StopReport
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec

from .clock import Clock
from .packages import version_in

LISTENS_AFTER, RESTART, RETRIES, STAYS_UP = 0.15, 0.5, 3, 1.0
DIES_AFTER_REQUESTS = 4


@dataclass(frozen=True)
class Identity:
    """What a process is, whichever slot it is in: its release and all of its configuration."""

    version: str
    word: str
    secret: str

    def __str__(self) -> str:
        return f"{self.version} ({self.word}, {self.secret})"


@dataclass
class Running:
    """A process. ``requests`` counts those that came through the edge: some releases are bad only in use."""

    pid: int
    server: str
    slot: str
    port: int
    identity: Identity
    started: float
    listens: bool = False
    requests: int = 0

    def used_up(self, how: str) -> bool:
        """Whether a release that is bad in this way has seen enough requests to show it."""
        return how in self.identity.version and self.requests >= DIES_AFTER_REQUESTS


@dataclass
class _Program:
    active: bool = True
    given_up: bool = False
    failures: int = 0
    process: Running | None = None


class Supervisor:
    """What would be supervisord: programs whose file is in ``programs`` come back at boot."""

    def __init__(self, clock: Clock, programs: Path, files: SlotFiles) -> None:
        self.clock = clock
        self.folder = programs
        self.up = False
        self._files = files
        self._programs: dict[tuple[str, str], _Program] = {}
        self._pids = 1000

    def start(self) -> None:
        """Start, with every program that has a file."""
        self.up = True
        for path in sorted(self.folder.glob("*.conf")):
            server, slot = path.read_text().split()
            self.spawn(server, slot)

    def kill(self, seconds: float = RESTART) -> None:
        """kill -9; its processes end with it, and after so many seconds it is there again."""
        if self.up:
            self.down()
            self.clock.after(seconds, self.start)

    def down(self) -> None:
        """All processes are gone."""
        self.up = False
        self._programs.clear()

    def processes(self) -> list[Running]:
        """All that run."""
        return [item.process for item in self._programs.values() if item.process]

    def process(self, server: str, slot: str) -> Running | None:
        """What runs in a slot."""
        program = self._programs.get((server, slot))
        return program.process if program else None

    def listening(self, port: int) -> Running | None:
        """Who accepts connections on a port."""
        return next((item for item in self.processes() if item.port == port and item.listens), None)

    def program(self, server: str, slot: str) -> _Program | None:
        """The program of a slot; None when it was never started or was stopped."""
        return self._programs.get((server, slot))

    def spawn(self, server: str, slot: str) -> None:
        """Start a program from what its slot's files say now."""
        program = self._programs.setdefault((server, slot), _Program())
        if program.process or program.given_up:
            return
        process = self._process(server, slot)
        if process is None or "dies-at-start" in process.identity.version:
            self._ended(server, slot)
            return
        program.process = process
        if "listens-on-nothing" not in process.identity.version:
            self.clock.after(LISTENS_AFTER, lambda: setattr(process, "listens", True))

    def end(self, process: Running) -> None:
        """A process ends, by itself or by a signal; it is started again."""
        program = self._programs.get((process.server, process.slot))
        if program and program.process is process:
            program.process = None
            if self.clock.time - process.started >= STAYS_UP:
                program.failures = 0
            self._ended(process.server, process.slot)

    def withdraw(self, server: str, slot: str) -> None:
        """End a program for good."""
        self._programs.pop((server, slot), None)

    def _ended(self, server: str, slot: str) -> None:
        program = self._programs[server, slot]
        program.failures += 1
        if program.failures > RETRIES:
            program.given_up = True
            return
        self.clock.after(RESTART, lambda: self._again(program, server, slot))

    def _again(self, program: _Program, server: str, slot: str) -> None:
        if self._programs.get((server, slot)) is program:
            self.spawn(server, slot)

    def _process(self, server: str, slot: str) -> Running | None:
        started = started_from(self._files, server, slot)
        if started is None:
            return None
        spec, identity = started
        port = int(spec.argv[spec.argv.index("--port") + 1])
        self._pids += 1
        return Running(self._pids, server, slot, port, identity, self.clock.time)


_KNOWN: dict[str, tuple[tuple[object, ...], SlotSpec | None]] = {}
"""What the files of a slot said when they were last read, and by what one sees that they are the same."""


def _read(files: SlotFiles, server: str, slot: str) -> SlotSpec | None:
    folder = f"{files.root}/{server}/{slot}"
    mark = (*_mark(f"{folder}/launch.json"), *_mark(f"{folder}/credentials.json"))
    known = _KNOWN.get(folder)
    if known is None or known[0] != mark:
        if len(_KNOWN) > 1000:
            _KNOWN.clear()
        known = _KNOWN[folder] = (mark, files.read(server, slot))
    return known[1]


def _mark(path: str) -> tuple[object, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return (None,)
    return found.st_ino, found.st_mtime_ns, found.st_size


def started_from(files: SlotFiles, server: str, slot: str) -> tuple[SlotSpec, Identity] | None:
    """What a slot's files start; None when that can not be started."""
    spec = _read(files, server, slot)
    version = version_in(Path(spec.argv[0])) if spec else None
    if spec is None or version is None:
        return None
    return spec, Identity(version, spec.argv[spec.argv.index("--say") + 1], spec.credentials["SECRET"])


class SimulatedDriver:
    """A ``SlotDriver``, in the order of effects of the one for supervisord."""

    def __init__(self, effects: Effects, files: SlotFiles, supervisor: Supervisor) -> None:
        self._effects = effects
        self._files = files
        self._supervisor = supervisor

    def holds(self, spec: SlotSpec) -> bool:
        """Whether the slot's files say exactly this."""
        return self._files.matches(spec)

    def runs(self, spec: SlotSpec) -> bool:
        """Whether the slot's process was started from exactly this."""
        program = self._asked().program(spec.server, spec.slot)
        return program is not None and not program.given_up and self.holds(spec)

    def returns(self, spec: SlotSpec) -> bool:
        """Whether a boot starts the slot."""
        return self._path(spec.server, spec.slot).exists()

    def start(self, spec: SlotSpec) -> Process:
        """Run exactly this in the slot."""
        server, slot = spec.server, spec.slot
        if not self.runs(spec):
            self.stop(server, slot, spec.stop_timeout)
            self._files.write(spec)
            self._describe(server, slot)
            self._effects.act("slot.start", f"{server}/{slot}", lambda: self._asked().spawn(server, slot))
        self._describe(server, slot)
        return self.status(server, slot)

    def stop(self, server: str, slot: str, timeout: float) -> StopReport:
        """End the slot's process; it does not come back at boot."""
        there = self._asked().program(server, slot) is not None
        self._effects.remove_file(self._path(server, slot))
        if there:
            self._effects.act("slot.stop", f"{server}/{slot}", lambda: self._asked().withdraw(server, slot))
        return StopReport("terminated" if there else "already stopped", 0.0)

    def additions(self, server: str, slot: str) -> tuple[str, ...]:
        """None."""
        return ()

    def status(self, server: str, slot: str) -> Process:
        """What runs in the slot."""
        program = self._asked().program(server, slot)
        if program is None:
            return Process("stopped" if self._files.read(server, slot) else "absent")
        state: State = "failed" if program.given_up else "running" if program.process else "starting"
        return Process(state, program.process.pid if program.process else None)

    def folders(self) -> tuple[Path, ...]:
        """Where the program files are."""
        return (self._supervisor.folder,)

    def log_tail(self, server: str, slot: str, lines: int = 20) -> str:
        """Nothing: what a log says decides nothing."""
        return ""

    def remove(self, server: str, slot: str, *, keep_log: bool = False) -> None:
        """Stop the slot and remove its files."""
        self.stop(server, slot, 0)
        self._files.remove(server, slot)

    def _path(self, server: str, slot: str) -> Path:
        return self._supervisor.folder / f"{server}-{slot}.conf"

    def _describe(self, server: str, slot: str) -> None:
        if not self._path(server, slot).exists():
            self._effects.write_file(self._path(server, slot), f"{server} {slot}".encode())

    def _asked(self) -> Supervisor:
        """As with the real one, one that is being restarted has 2 s to come back."""
        if not self._supervisor.up:
            self._supervisor.clock.advance(2.0)
        if not self._supervisor.up:
            raise FleetError("ask supervisord", "nobody listens there", "Start supervisord (role host).")
        return self._supervisor


def launcher_starts(bin: Path, server: str, files: SlotFiles) -> tuple[str, Identity] | None:
    """What a client of a stdio server gets that starts it now: slot and identity."""
    link = bin / server
    if not link.is_symlink() or not link.exists():
        return None
    slot = link.readlink().parent.name
    started = started_from(files, server, slot)
    return (slot, started[1]) if started else None


def script_starts(script: Path, files: SlotFiles) -> Identity | None:
    """What the script ``run`` of a slot starts."""
    if not script.exists():
        return None
    launch = Path(script.read_text().split()[-2])
    raw = json.loads(launch.read_text()) if launch.exists() else None
    started = started_from(files, raw["server"], raw["slot"]) if raw else None
    return started[1] if started else None
