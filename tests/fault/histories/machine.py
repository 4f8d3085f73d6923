# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories: what operators ask for and what befalls a host, in any order (hypothesis.stateful)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from .mishaps import CLOCKS, KILLS, MISHAPS, POWER_LOSS, TAMPERINGS, At, Tampering, befall
from .operator import Operator
from .packages import BAD_IN_USE, GOOD, NEVER_READY
from .runs import CONFIGURATIONS

HOSTS = {"one over HTTP": {"box": True}, "one over stdio": {"pen": False}} | {
    "HTTP and stdio": {"box": True, "pen": False},
    "two over HTTP": {"box": True, "cup": True},
}
LAST_POINT = 280
PHASES = ("settled", "active", "staged")

versions = st.sampled_from(GOOD)
bad_versions = st.sampled_from((*NEVER_READY, *BAD_IN_USE))
configurations = st.sampled_from(tuple(CONFIGURATIONS))
phases = st.sampled_from(PHASES)
points = st.integers(1, LAST_POINT)
kept_bits = st.integers(0, 2**16 - 1)
disturbances = (
    st.builds(At, point=points, what=st.sampled_from(KILLS[:2]))
    | st.builds(At, point=points, what=st.just(POWER_LOSS), kept=kept_bits)
    | st.builds(At, point=points, what=st.sampled_from((*MISHAPS, *CLOCKS, "second run")))
)
cleanup_disturbances = st.builds(
    At, point=st.integers(1, LAST_POINT // 4), what=st.sampled_from((*KILLS[:2], *MISHAPS))
)


@dataclass
class Counted:
    """What all histories of this process came to."""

    histories: int = 0
    steps: int = 0
    points: int = 0


COUNTED = Counted()


def _servers(machine: RuleBasedStateMachine) -> st.SearchStrategy[str]:
    assert isinstance(machine, Histories)
    return st.sampled_from(machine.servers)


servers = st.runner().flatmap(_servers)


class Histories(RuleBasedStateMachine):
    """One history; see ``Operator`` for what each step means."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: tuple[str, ...] = ()
        self._operator: Operator | None = None
        self._violated = False

    @initialize(host=st.sampled_from(tuple(HOSTS)))
    def begin(self, host: str) -> None:
        COUNTED.histories += 1
        self.servers = tuple(HOSTS[host])
        self._operator = Operator(HOSTS[host], lambda text: note(f"# {text}"))

    @rule(server=servers, version=versions, configuration=configurations, phase=phases)
    def update(self, server: str, version: str, configuration: str, phase: str) -> None:
        with self._step() as operator:
            operator.update(server, version, configuration, phase, None)

    @rule(server=servers, version=versions, configuration=configurations, phase=phases, at=disturbances)
    def update_disturbed(self, server: str, version: str, configuration: str, phase: str, at: At) -> None:
        with self._step() as operator:
            operator.update(server, version, configuration, phase, at)

    @rule(server=servers, version=bad_versions, at=st.none() | disturbances)
    def update_to_a_bad_release(self, server: str, version: str, at: At | None) -> None:
        with self._step() as operator:
            if server in operator.invariants.stdio and version in BAD_IN_USE:
                return  # a stdio server is in use only once a client starts it
            operator.update(server, version, "plain", "settled", at)

    @rule(server=servers, unfinished_only=st.booleans(), at=st.none() | disturbances)
    def roll_back(self, server: str, unfinished_only: bool, at: At | None) -> None:
        with self._step() as operator:
            operator.roll_back(server, unfinished_only, at)

    @rule(server=servers, at=st.none() | disturbances)
    def remove(self, server: str, at: At | None) -> None:
        with self._step() as operator:
            operator.remove(server, at)

    @rule(server=servers, at=st.none() | disturbances)
    def recover(self, server: str, at: At | None) -> None:
        with self._step() as operator:
            operator.recover(server, at)

    @rule(at=st.none() | cleanup_disturbances)
    def clean_up(self, at: At | None) -> None:
        with self._step() as operator:
            operator.clean_up(at)

    @rule(server=servers, what=st.sampled_from(("reboot", *MISHAPS)))
    def mishap(self, server: str, what: str) -> None:
        with self._step() as operator:
            operator.befall(partial(befall, operator.world, operator.invariants, what, server))

    @rule(kept=kept_bits)
    def power_loss(self, kept: int) -> None:
        with self._step() as operator:
            operator.befall(partial(befall, operator.world, operator.invariants, POWER_LOSS, "", kept))

    @rule(server=servers, what=st.sampled_from(TAMPERINGS))
    def by_hand(self, server: str, what: str) -> None:
        with self._step() as operator:
            operator.befall(partial(Tampering(operator.world, operator.invariants, server).do, what))

    @rule(server=servers, seconds=st.sampled_from((0.5, 3.0, 30.0, 1000.0)), quiet=st.booleans())
    def session(self, server: str, seconds: float, quiet: bool) -> None:
        with self._step() as operator:
            operator.world.network.open_session(server, seconds, quiet)

    @rule(seconds=st.sampled_from((1.0, 10.0, 100.0)))
    def wait(self, seconds: float) -> None:
        with self._step() as operator:
            operator.befall(partial(operator.world.pass_time, seconds))

    @rule(hours=st.sampled_from((1, -1, 24)))
    def set_clock(self, hours: int) -> None:
        with self._step() as operator:
            operator.world.clock.wall += hours * 3600.0

    def teardown(self) -> None:
        if self._operator is None:
            return
        try:
            if not self._violated:
                self._operator.finish()
        finally:
            COUNTED.points += self._operator.runs.points
            self._operator.world.close()

    @contextmanager
    def _step(self) -> Iterator[Operator]:
        assert self._operator is not None
        COUNTED.steps += 1
        try:
            yield self._operator
        except BaseException:
            self._violated = True
            raise
