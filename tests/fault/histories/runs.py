# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the updater in a made-up host, disturbed or not, and what it must have come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup import look
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.clean import Cleaner
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.opened import Seen
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server import (
    Requirements,
    ServerDefinition,
    UpdatePolicy,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome

from .effects import Killed, Watched
from .invariants import DRAIN, Invariants, Violated
from .mishaps import KILLS, At, befall
from .supervisor import Identity
from .world import World

CONFIGURATIONS = {
    "plain": ("hello", "s3cr3t"),
    "other word": ("bye", "s3cr3t"),
    "other secret": ("hello", "k"),
}
_AT_ONCE = {"keep": 0, "min_age": 0}
_KINDS = dict.fromkeys(("release", "staging", "quarantine", "log"), _AT_ONCE)
EVERYTHING = parse_policies({"mcp_cleanup": {"preset": "aggressive", **_KINDS}}, [])[0]
LONGEST = 60.0
"""Seconds that a run may take at most: the time limits below, forth and back, and what is waited for."""

Ask = Callable[[Converger, bool], Outcome]
MayAsk = Callable[[Converger, bool], "Outcome | None"]
"""What may find nothing to do before it has looked at anything."""


def definition(server: str, version: str, configuration: str, over_http: bool) -> ServerDefinition:
    """A definition as an inventory has it."""
    word, secret = CONFIGURATIONS[configuration]
    return ServerDefinition(
        name=server,
        registry_type="npm",
        identifier="box",
        version=version,
        transport="streamable-http" if over_http else "stdio",
        arguments=("--port", "{port}" if over_http else "0", "--say", word),
        credentials={"SECRET": secret},
        route=f"/{server}",
        require=Requirements(tools=("whoami",)),
        update=UpdatePolicy(
            ready_timeout=3, healthy_threshold=2, bake=0.5, drain=DRAIN, stop_timeout=1
        ),
    )  # fmt: skip


def identity_of(wanted: ServerDefinition) -> Identity:
    """What a definition's process is."""
    return Identity(wanted.version, wanted.arguments[-1], wanted.credentials["SECRET"])


@dataclass(frozen=True)
class Ended:
    """How a run ended; all None: it was killed. ``disturbed``: what befell it; ``label``: at which point."""

    outcome: Outcome | None = None
    error: FleetError | None = None
    disturbed: str | None = None
    label: str = ""


class Runs:
    """Runs the updater on a world. ``points`` counts where something could have happened."""

    def __init__(self, world: World, invariants: Invariants) -> None:
        self._world = world
        self._invariants = invariants
        self._other: Callable[[], None] | None = None
        self.points = 0

    def run(self, wanted: ServerDefinition, ask: MayAsk, at: At | None, other: Callable[[], None]) -> Ended:
        """One run; ``other`` is what a second one at the same time does."""
        started, run = self._world.clock.time, _Run(self._world, self._invariants, wanted.name, at, other)
        try:
            ended = Ended(outcome=ask(self._converger(wanted, run), True))
        except FleetError as error:
            ended = Ended(error=error)
            if not error.cure or not error.came_back:
                raise Violated(f"an error without a cure: {error}") from error
        except Killed:
            run.finish()
            ended = Ended()
        self.points += run.points
        if run.violated:
            # The updater may have taken it for a failure of its own, and gone back.
            raise run.violated
        if self._world.clock.time - started > LONGEST:
            raise Violated(f"a run took {self._world.clock.time - started:.0f} s") from ended.error
        return replace(ended, disturbed=run.happened, label=run.label)

    def clean(self, server: str, at: At | None) -> FleetError | None:
        """A cleanup that wants all deleted that may be; what went wrong.

        What processes use shows nowhere here, so that only what is on record keeps a release.
        """
        run = _Run(self._world, self._invariants, server, at)
        try:
            with patch.object(look, "opened", lambda roots, slots: Seen({})):
                Cleaner(self._world.host(run.effects, run.sleep), EVERYTHING, {}).clean(0)
        except FleetError as error:
            return error
        except Killed:
            run.finish()
        finally:
            self.points += run.points
            # A power loss undoes renames of folders in a way that the disk here does not know.
            self._world.disk.sync()
        return None

    def foresee(self, wanted: ServerDefinition, ask: Ask) -> Outcome | FleetError:
        """Check mode: it may do nothing at all."""
        try:
            return ask(self._converger(wanted, _Refusing(self._world, self._invariants, wanted.name)), False)
        except FleetError as error:
            return error

    def again(self, wanted: ServerDefinition, ask: Ask) -> None:
        """A second run has to find nothing to do."""
        run = _Refusing(self._world, self._invariants, wanted.name)
        outcome = ask(self._converger(wanted, run), True)
        if outcome.plan.changes:
            raise Violated(f"a second run would do {outcome.plan.lines()}")

    def _converger(self, wanted: ServerDefinition, run: _Run) -> Converger:
        return Converger(self._world.host(run.effects, run.sleep), wanted, lock_timeout=0)


class _Run:
    """What comes between the effects of one run."""

    def __init__(
        self, world: World, invariants: Invariants, server: str, at: At | None = None,
        other: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self._world = world
        self._invariants = invariants
        self._server = server
        self._at = at
        self._other = other
        self._left: dict[str, bytes] | None = None
        self.points = 0
        self.violated: Violated | None = None
        self.happened: str | None = None
        self.label = ""
        self.effects = Watched(world.disk, self.between)

    def between(self, point: str) -> None:
        """The invariants, and what is to happen here."""
        if self._left is not None:
            raise Killed
        self.points += 1
        if self._at is None or self.points != self._at.point:
            if not point.startswith("before"):  # nothing changed since the effect before it
                self._look(point)
            return
        self.happened, self.label = self._at.what, point.replace(str(self._world.root), "")
        if self._at.what == "second run":
            if self._other is not None:
                self._other()
        elif self._at.what in KILLS:
            self._left = self._world.disk.temporaries()
            raise Killed
        else:
            befall(self._world, self._invariants, self._at.what, self._server)
        self._look(point)

    def _look(self, point: str) -> None:
        try:
            self._invariants.between(point)
        except Violated as violated:
            self.violated = self.violated or violated
            raise

    def sleep(self, seconds: float) -> None:
        """A pause of the run."""
        self.between("pause")
        self._world.pass_time(seconds)

    def finish(self) -> None:
        """After ``Killed`` has passed: what a killed process leaves, and what else happened to the host."""
        self._world.disk.killed(self._left or {})
        if self._at and self._at.what in KILLS[1:]:
            befall(self._world, self._invariants, self._at.what, self._server, self._at.kept)


class _Refusing(_Run):
    """A run that may change nothing."""

    def between(self, point: str) -> None:
        if point != "pause":
            raise Violated(f"nothing was to be done, and yet: {point}")


def pending(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """The transaction that a record holds."""
    return record["transaction"] if record else None
