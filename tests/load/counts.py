# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened, counted: each request, session and stream once, under one reason."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .failures import Failed
from .latency import Latencies

SHOWN = 20
"""Failures that are shown in full, the first ones."""
SHOWN_OF_A_KIND = 5
"""Of these at most so many for one reason, so that a flood does not hide another fault."""


@dataclass
class Tally:
    """The counts of one target and era, or the sum of several.

    In the end sessions.opened = ended + lost + abandoned and streams.opened = closed + cut. A session is
    abandoned when its DELETE was not answered well; a server without event streams or without sessions is
    counted as ``not_offered``.
    """

    requests: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    sessions: Counter[str] = field(default_factory=Counter)
    lost_reasons: Counter[str] = field(default_factory=Counter)
    streams: Counter[str] = field(default_factory=Counter)
    cut_reasons: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def include(self, other: Tally) -> None:
        """Add the counts of another."""
        self.requests += other.requests
        self.in_flight += other.in_flight
        for name in ("failures", "sessions", "lost_reasons", "streams", "cut_reasons", "connections"):
            getattr(self, name).update(getattr(other, name))
        self.latencies.include(other.latencies)

    @property
    def failed(self) -> int:
        """Failed requests."""
        return self.failures.total()

    @property
    def open_sessions(self) -> int:
        """Sessions that are open now."""
        return (
            self.sessions["opened"]
            - self.sessions["ended"]
            - self.sessions["lost"]
            - self.sessions["abandoned"]
        )

    @property
    def open_streams(self) -> int:
        """Streams that are open now."""
        return self.streams["opened"] - self.streams["closed"] - self.streams["cut"]

    def as_dict(self) -> dict[str, Any]:
        """The counts as the report has them."""
        sessions = {
            name: self.sessions[name] for name in ("opened", "ended", "lost", "abandoned", "not_offered")
        }
        streams = {name: self.streams[name] for name in ("opened", "closed", "cut", "not_offered", "events")}
        return {
            "requests": self.requests,
            "failed": self.failed,
            "failures": dict(self.failures.most_common()),
            "in_flight": self.in_flight,
            "sessions": {**sessions, "lost_reasons": dict(self.lost_reasons.most_common())},
            "streams": {**streams, "cut_reasons": dict(self.cut_reasons.most_common())},
            "connections": {name: self.connections[name] for name in ("opened", "reopened")},
            "latency_ms": self.latencies.summary(),
        }


class Service:
    """For how long nobody served a target.

    A gap opens with the start of a request that nobody served and closes with the end of the first good
    answer to a request that was sent after that.
    """

    def __init__(self) -> None:
        self._down_since: float | None = None
        self._seconds = 0.0

    def saw(self, started: float, ended: float, failed: Failed | None) -> None:
        """Take note of a request; times in seconds of one monotonic clock."""
        if failed is not None:
            if failed.is_outage() and self._down_since is None:
                self._down_since = started
        elif self._down_since is not None and started >= self._down_since:
            self._seconds += ended - self._down_since
            self._down_since = None

    def seconds_without(self, now: float) -> float:
        """The gaps' sum, up to now when one is open."""
        return self._seconds + (now - self._down_since if self._down_since is not None else 0.0)


class Counts:
    """All that a load has counted."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.services: dict[str, Service] = {}
        self.first_failures: list[dict[str, str]] = []
        self._shown: Counter[tuple[str, str]] = Counter()
        self._timeline: list[list[float]] = []

    def scope(self, target: str, era: str) -> Scope:
        """Where the clients of a target and era count."""
        tally = self.tallies.setdefault((target, era), Tally())
        return Scope(self, tally, self.services.setdefault(target, Service()), target, era)

    def total(self, target: str | None = None, era: str | None = None) -> Tally:
        """The sum over all, or over one target and era."""
        total = Tally()
        for (name, kind), tally in self.tallies.items():
            if target in (None, name) and era in (None, kind):
                total.include(tally)
        return total

    def tick(self, ended: float, milliseconds: float, failed: bool) -> None:
        """Enter a request into the second in which it ended."""
        second = int(ended - self.started)
        while len(self._timeline) <= second:
            self._timeline.append([0, 0, 0.0])
        row = self._timeline[second]
        row[0] += 1
        row[1] += failed
        row[2] = max(row[2], milliseconds)

    def show(self, scope: Scope, kind: str, what: str, reason: str, detail: str) -> None:
        """Keep a failure among the first ones, as long as there is room for its kind."""
        self._shown[kind, reason] += 1
        if len(self.first_failures) < SHOWN and self._shown[kind, reason] <= SHOWN_OF_A_KIND:
            now = time.time()
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03d}"
            told = f"{kind}: {what}: {reason}" + (f" ({detail})" if detail else "")
            self.first_failures.append(
                {"time": stamp, "target": scope.target, "era": scope.era, "what": told}
            )

    def timeline(self) -> list[dict[str, float]]:
        """Requests by the second since the start in which they ended; a second without any is in it too."""
        return [
            {"t": second, "requests": row[0], "failed": row[1], "max_ms": round(row[2], 3)}
            for second, row in enumerate(self._timeline)
        ]

    def report(self, state: str) -> dict[str, Any]:
        """The report; ``state`` is running, finished or aborted."""
        now = time.perf_counter()
        total = self.total()
        by_target = {
            target: {
                **self.total(target).as_dict(),
                "without_service_s": round(service.seconds_without(now), 3),
                "by_era": {
                    era: tally.as_dict() for (name, era), tally in self.tallies.items() if name == target
                },
            }
            for target, service in self.services.items()
        }
        return {
            "state": state,
            "seconds": round(now - self.started, 3),
            **total.as_dict(),
            "latency_histogram": total.latencies.histogram(),
            "timeline": self.timeline(),
            "first_failures": list(self.first_failures),
            "by_target": by_target,
        }


class Scope:
    """Where the clients of one target and era count what happens to them."""

    def __init__(self, counts: Counts, tally: Tally, service: Service, target: str, era: str) -> None:
        self.tally = tally
        self.target = target
        self.era = era
        self._counts = counts
        self._service = service

    def request_began(self) -> float:
        """A request is on its way; the time to give to ``request_ended``."""
        self.tally.in_flight += 1
        return time.perf_counter()

    def request_ended(self, what: str, began: float, failed: Failed | None) -> None:
        """A request has its answer or has failed; latency is that of good answers, to their last byte."""
        ended = time.perf_counter()
        milliseconds = (ended - began) * 1000
        self.tally.in_flight -= 1
        self.tally.requests += 1
        if failed is None:
            self.tally.latencies.add(milliseconds)
        else:
            self.tally.failures[failed.reason] += 1
            self._counts.show(self, "request", what, failed.reason, failed.detail)
        self._counts.tick(ended, milliseconds, failed is not None)
        self._service.saw(began, ended, failed)

    def session(self, event: str) -> None:
        """A session was opened, ended, abandoned or not_offered."""
        self.tally.sessions[event] += 1

    def session_lost(self, reason: str, detail: str = "") -> None:
        """A session is lost."""
        self.tally.sessions["lost"] += 1
        self.tally.lost_reasons[reason] += 1
        self._counts.show(self, "session lost", "session", reason, detail)

    def stream(self, event: str, number: int = 1) -> None:
        """A stream was opened, closed by us or not_offered, or events came."""
        self.tally.streams[event] += number

    def stream_cut(self, reason: str, detail: str = "") -> None:
        """A stream ended and it was not us."""
        self.tally.streams["cut"] += 1
        self.tally.cut_reasons[reason] += 1
        self._counts.show(self, "stream cut", "event stream", reason, detail)

    def connection(self, event: str) -> None:
        """A connection for requests was opened or reopened."""
        self.tally.connections[event] += 1
