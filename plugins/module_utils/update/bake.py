# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baking: the new slot takes the traffic, the old one stays warm, and what goes wrong now is still undone."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from ..contract.compare import compare
from ..contract.offer import Offer
from ..definition.server import ServerDefinition
from ..edge.edge import Traffic
from ..errors import FleetError
from ..protocol.excerpt import Excerpt
from ..protocol.report import ERAS
from ..protocol.targets import HttpTarget
from .endpoints import client_target
from .front import Front
from .gate import several
from .host import Host
from .offered import offer_of
from .ready import check_timeout, probe_timeout, required_calls, unmet

MINIMUM_REQUESTS = 20
"""Requests below which a share of errors says nothing."""
SLOWDOWN = 10
"""Times the old slot's latency, at which the new one is too slow (and over SLOWDOWN_FLOOR)."""
SLOWDOWN_FLOOR = 0.5
"""Seconds of latency below which nothing is too slow."""
RECENT = 6
"""Health checks at the end of the bake whose latency counts: a release may get slow with time."""
FAILURES = 3
"""Health checks in a row that fail the bake."""


@dataclass(frozen=True)
class Warm:
    """The old slot: where it listens itself (None: it is no HTTP server), and the eras it serves."""

    slot: str
    target: HttpTarget | None
    eras: tuple[str, ...]


class Bake:
    """Watches one slot through its front until its time is over.

    :param old: the slot that is still warm, for comparison; None on a first deployment.
    """

    def __init__(
        self, host: Host, definition: ServerDefinition, front: Front, new: str, old: Warm | None, offer: Offer
    ) -> None:
        self._host = host
        self._definition = definition
        self._front = front
        self._new = new
        self._old = old
        self._offer = offer
        self._target = client_target(host, definition, new)
        self._latencies: list[float] = []
        self._misses = 0

    def watch(self, seconds: float) -> None:
        """:raises FleetError: as soon as the new slot is worse than it may be."""
        senses = self._host.senses
        deadline = senses.monotonic() + seconds
        # What the edge answered for a slot without a process says nothing of the release in it.
        baseline = self._counts(self._old.slot) if self._old and self._pid(self._old.slot) else Traffic()
        before = self._counts(self._new)
        pid = self._pid(self._new)
        pause = self._pause(seconds)
        while True:
            self._check_process(pid)
            self._check_answers()
            self._check_errors(self._counts(self._new), before, baseline)
            if senses.monotonic() >= deadline:
                break
            senses.sleep(min(pause, max(0.0, deadline - senses.monotonic())))
        self._check_latency()
        if seconds > 0:
            self._check_contract()

    def _pause(self, seconds: float) -> float:
        """Between two looks, each of which starts a process of a stdio server."""
        if self._definition.bridged:
            return max(1.0, seconds / 10)
        return min(1.0, max(0.1, seconds / 20)) if self._definition.over_http else max(1.0, seconds / 3)

    def _failure(self, came_back: str) -> FleetError:
        log = self._host.log_tail(self._definition.name, self._new)
        return FleetError(
            f"bake {self._definition.package} in {self._new}",
            came_back + (f". Its log ends: {log}" if log else ""),
            "See why before trying it again; its release is kept.",
            self._definition.name,
        )

    def _counts(self, slot: str) -> Traffic:
        return self._front.connected(slot)

    def _pid(self, slot: str) -> int | None:
        if not self._definition.over_http:
            return None
        return self._host.driver.status(self._definition.name, slot).pid

    def _check_process(self, pid: int | None) -> None:
        if self._definition.over_http:
            process = self._host.driver.status(self._definition.name, self._new)
            if process.pid is None or process.pid != pid:
                raise self._failure(f"its process ended by itself ({process.detail or process.state})")

    def _check_answers(self) -> None:
        for era in self._offer.eras:
            answer = self._host.senses.ping(self._target, timeout=check_timeout(self._definition), era=era)
            if answer.outcome == "served":
                self._latencies.append(answer.opening_seconds or 0.0)
                self._misses = 0
                continue
            self._misses += 1
            if self._misses >= FAILURES:
                raise self._failure(
                    f"{FAILURES} health checks in a row failed, the last: {era}: {answer.detail}"
                )

    def _check_errors(self, now: Traffic, before: Traffic, baseline: Traffic) -> None:
        requests, failed = now.requests - before.requests, now.failed - before.failed
        usual = baseline.failed / baseline.requests if baseline.requests >= MINIMUM_REQUESTS else 0.0
        limit = usual + self._definition.update.max_error_rate
        if requests >= MINIMUM_REQUESTS and failed / requests > limit:
            raise self._failure(
                f"{failed} of {requests} requests failed at the edge"
                f" ({failed / requests:.1%}, allowed {limit:.1%})"
            )

    def _check_latency(self) -> None:
        now = median(self._latencies[-RECENT:]) if self._latencies else 0.0
        usual = self._latencies_of_old() if now > SLOWDOWN_FLOOR else []
        if usual and now > SLOWDOWN * median(usual):
            raise self._failure(
                f"it answers in {now:.2f} s where the old release takes {median(usual):.2f} s"
            )

    def _latencies_of_old(self) -> list[float]:
        """Seconds, three for each era; as many as it gave until it did not answer."""
        latencies: list[float] = []
        if self._old is None or self._old.target is None:
            return latencies
        for era in self._old.eras * 3:
            answer = self._host.senses.ping(self._old.target, timeout=5.0, era=era)
            if answer.opening_seconds is None:
                break
            latencies.append(answer.opening_seconds)
        return latencies

    def _check_contract(self) -> None:
        """The end of the bake: all that made it ready must still hold, now as clients see it."""
        calls = required_calls(self._definition.require)
        eras = ERAS if self._definition.over_http else self._offer.eras
        report = self._host.senses.probe(
            self._target, timeout=probe_timeout(self._definition), calls=calls, eras=eras
        )
        lost = [era for era in self._offer.eras if era not in report.served]
        problem = f"it stopped serving {', '.join(lost)}: {report.describe()}" if lost else None
        excerpt = Excerpt(self._host.secrets(self._definition.name))
        problem = problem or unmet(report, self._definition.require, excerpt)
        if not problem:
            change = compare(self._offer, offer_of(report, self._definition.transport, excerpt))
            lost = list(change.breaking)
            problem = (
                f"it no longer offers what it was proven with: {several(change.breaking)}" if lost else None
            )
        if problem:
            raise self._failure(f"at the end of the bake {problem}")
