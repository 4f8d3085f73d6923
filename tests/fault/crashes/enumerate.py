# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points: which operation, disturbed at which act, and what has to be true then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .modes import Mode
from .place import Done, Place

OLD, NEW = "1.0.0", "2.0.0"


@dataclass
class Findings:
    """What was seen; times in seconds."""

    points: int = 0
    recovered: int = 0
    worst: float = 0.0
    violations: list[str] = field(default_factory=list)

    def add(self, point: str, wrong: list[str], seconds: float) -> None:
        """One point: what was wrong there, and how long the run after the crash took."""
        self.points += 1
        self.recovered += not wrong
        self.worst = max(self.worst, seconds)
        for each in wrong:
            self.violations.append(f"{point}: {each}")
            print(f"  WRONG {point}: {each}", flush=True)


@dataclass(frozen=True)
class Operation:
    """What is disturbed. ``prepare`` brings the place to its beginning, and says where it leads to."""

    name: str
    verb: str
    server: str
    prepare: Callable[[Place], str]
    leads_to_nothing: bool = False


def _other_version(place: Place) -> str:
    """An update to the version that does not serve, with its installation."""
    wanted = NEW if place.serves("box") == OLD else OLD
    place.forget(wanted)
    return wanted


def _updated(place: Place) -> str:
    """A rollback from the newer version."""
    _must(place.run("present", "box", OLD))
    _must(place.run("present", "box", NEW))
    return OLD


def _cut_off(place: Place) -> str:
    """What the host itself has to end: an update that died in its last third."""
    if place.cut_at is None:
        _must(place.run("present", "box", OLD))
        whole = place.run("present", "box", NEW)
        _must(whole)
        place.cut_at = int(whole.last.split()[0]) * 2 // 3
    serving = place.serves("box") or OLD
    place.run("present", "box", NEW if serving == OLD else OLD, at=place.cut_at)
    if place.node.host().journal.load("box").transaction is None:
        raise RuntimeError(f"nothing is under way after an update that was cut off at act {place.cut_at}")
    return serving


def _without_guest(place: Place) -> str:
    _must(place.run("absent", "guest", NEW))
    return NEW


def _with_guest(place: Place) -> str:
    _must(place.run("present", "guest", NEW))
    return NEW


def _must(done: Done) -> None:
    if done.error:
        raise RuntimeError(done.error)


OPERATIONS = (
    Operation("update", "present", "box", _other_version),
    Operation("rollback", "rolled_back", "box", _updated),
    Operation("recovery", "recovered", "box", _cut_off),
    Operation("first deployment", "present", "guest", _without_guest),
    Operation("removal", "absent", "guest", _with_guest, leads_to_nothing=True),
)


def acts(place: Place, operation: Operation) -> int:
    """How many acts the operation has, found by doing it."""
    version = operation.prepare(place)
    done = place.run(operation.verb, operation.server, version)
    _must(done)
    return int(done.last.split()[0])


def disturb(place: Place, mode: Mode, operation: Operation, at: int, findings: Findings) -> None:
    """Let something befall the operation at an act, run it again, and look at everything."""
    version = operation.prepare(place)
    disturbed = place.run(operation.verb, operation.server, version, at=at, **mode.harm(place, at))
    point = f"{mode.name} at {operation.name} {disturbed.last or at}"
    wrong = mode.end(disturbed) + mode.recover(place)
    # A rollback that was done already is not done twice; what it led to is what is asked for.
    verb = "present" if operation.verb == "rolled_back" and _is_done(place, version) else operation.verb
    again = place.run(verb, operation.server, version)
    if again.error:
        wrong.append(f"the next run failed: {again.error}")
    wrong += place.wrong_after(operation.server, None if operation.leads_to_nothing else version)
    if wrong or mode.befell(disturbed, at):
        findings.add(point, wrong, again.seconds)


def _is_done(place: Place, version: str) -> bool:
    record = place.node.host().journal.load("box")
    return record.transaction is None and place.serves("box") == version
