# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may befall a host by itself, and what a person may do to it by hand."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import SLOTS

from .invariants import FOREIGN, Invariants
from .world import World

POWER_LOSS = "power loss"
KILLS = ("module killed", "reboot", POWER_LOSS)
"""After these the run that was under way is gone."""
CLOCKS = {"clock set back": -3600.0, "clock set forward": 86400.0}
"""By how many seconds."""
MISHAPS = ("HAProxy killed", "HAProxy away for long", "supervisor killed", "process killed")


@dataclass(frozen=True)
class At:
    """Something that happens in the middle of a run: at its ``point``-th point (there are two an effect, and
    one a pause). ``kept``: what of unsynced writes survives a power loss, bit by bit."""

    point: int
    what: str
    kept: int = 0


def bits(number: int) -> Callable[[], bool]:
    """Answers that are the bits of a number, over and over."""
    answers: Iterator[bool] = itertools.cycle([bool(number >> place & 1) for place in range(16)])
    return lambda: next(answers)


def befall(world: World, invariants: Invariants, what: str, server: str, kept: int = 0) -> None:
    """Let one of KILLS (but the first), CLOCKS or MISHAPS happen; ``server`` is whose process is killed."""
    everyone = (*invariants.http, *invariants.stdio)
    if what == POWER_LOSS:
        invariants.happened(*everyone)
        world.lose_power(bits(kept))
    elif what == "reboot":
        invariants.happened(*everyone)
        world.reboot()
    elif what in CLOCKS:
        world.clock.wall += CLOCKS[what]
    elif what.startswith("HAProxy"):
        invariants.happened(*invariants.http)
        world.haproxy.kill(0.1 if what == "HAProxy killed" else 5.0)
    elif what == "supervisor killed":
        invariants.happened(*invariants.http)
        world.supervisor.kill()
    elif what == "process killed":
        running = world.network.serving(server)
        if running:
            invariants.happened(server)
            world.supervisor.end(running)
    else:
        raise AssertionError(what)
    invariants.forget_lost_sessions()


TAMPERINGS = (
    "file of the active slot removed",
    "file of the idle slot removed",
    "credentials of the active slot changed",
    "journal removed",
    "journal damaged",
    "active entry removed from its map file",
    "generations removed from their map file",
    "route changed in its map file",
    "active entry removed from HAProxy",
    "route removed from HAProxy",
    "other generation active in HAProxy",
    "foreign line in a map file",
    "release of the active slot removed",
    "release of the idle slot removed",
    "launcher removed",
    "active process stopped",
)


class Tampering:
    """One server, changed by hand. All is durable at once."""

    def __init__(self, world: World, invariants: Invariants, server: str) -> None:
        self._world = world
        self._invariants = invariants
        self._server = server
        self._maps = world.layout.edge.maps

    def do(self, what: str) -> None:
        """Change one thing; nothing happens where there is no such thing."""
        active = self._active_slot()
        slots = [slot for slot in SLOTS if (slot == active) == ("active slot" in what)]
        actions: dict[str, Callable[[], None]] = {
            "file of the active slot removed": lambda: self._remove_file(slots),
            "file of the idle slot removed": lambda: self._remove_file(slots),
            "credentials of the active slot changed": lambda: self._change_credentials(slots),
            "journal removed": lambda: self._journal().unlink(missing_ok=True),
            "journal damaged": self._damage_journal,
            "active entry removed from its map file": lambda: self._drop_lines("active"),
            "generations removed from their map file": lambda: self._drop_lines("generations"),
            "route changed in its map file": self._change_route,
            "active entry removed from HAProxy": lambda: self._forget("active"),
            "route removed from HAProxy": lambda: self._forget("routes"),
            "other generation active in HAProxy": self._misdirect,
            "foreign line in a map file": self._add_foreign_line,
            "release of the active slot removed": lambda: self._remove_release(slots),
            "release of the idle slot removed": lambda: self._remove_release(slots),
            "launcher removed": lambda: (self._world.layout.launchers / self._server).unlink(missing_ok=True),
            "active process stopped": lambda: self._world.supervisor.withdraw(self._server, active or ""),
        }
        actions[what]()
        self._world.disk.sync()
        everyone = (*self._invariants.http, *self._invariants.stdio)
        shared = what.startswith(("foreign", "release"))
        self._invariants.changed_by_hand(*(everyone if shared else (self._server,)))

    def cure(self) -> None:
        """What errors tell an operator to do: move a damaged journal away, remove a foreign entry."""
        journal = self._journal()
        try:
            Journal(Effects(), self._world.layout.state).load(self._server)
        except FleetError:
            journal.unlink()
        path = self._maps / "active.map"
        path.write_text("".join(line for line in _lines(path) if not line.startswith(FOREIGN)))
        self._world.disk.sync()
        self._invariants.changed_by_hand(self._server)

    def _journal(self) -> Path:
        return self._world.layout.state / self._server / "journal.json"

    def _active_slot(self) -> str | None:
        starts = self._world.network.launches(self._server)
        running = self._world.network.serving(self._server)
        return starts[0] if starts else running.slot if running else None

    def _remove_file(self, slots: list[str]) -> None:
        for slot in slots:
            self._world.files.launch(self._server, slot).unlink(missing_ok=True)

    def _change_credentials(self, slots: list[str]) -> None:
        for slot in slots:
            path = self._world.files.folder(self._server, slot) / "credentials.json"
            if path.exists():
                path.write_text('{"SECRET": "by hand"}')

    def _damage_journal(self) -> None:
        if self._journal().exists():
            text = self._journal().read_text()
            self._journal().write_text(text[: len(text) // 2])

    def _drop_lines(self, name: str) -> None:
        path = self._maps / f"{name}.map"
        kept = (line for line in _lines(path) if line.split()[0].split("/")[0] != self._server)
        path.write_text("".join(kept))

    def _change_route(self) -> None:
        path = self._maps / "routes.map"
        path.write_text(path.read_text().replace(f"/{self._server} ", f"/{self._server}-by-hand "))

    def _forget(self, name: str) -> None:
        entries = self._world.haproxy.maps[name]
        for key, value in list(entries.items()):
            if self._server in (key, value):
                del entries[key]

    def _misdirect(self) -> None:
        maps = self._world.haproxy.maps
        others = [key for key in maps["generations"] if key.split("/")[0] == self._server]
        if self._server in maps["active"] and others:
            maps["active"][self._server] = others[0].split("/")[1]

    def _add_foreign_line(self) -> None:
        if self._invariants.http:
            with open(self._maps / "active.map", "a") as stream:
                stream.write(f"{FOREIGN} entry\n")

    def _remove_release(self, slots: list[str]) -> None:
        for slot in slots:
            spec = self._world.files.read(self._server, slot)
            if spec and os.path.exists(spec.argv[0]):
                rmtree(Path(spec.argv[0]).parent)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)
