# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which eras clients used, as values: what the edge has counted is added to what is kept.

Days are UTC's, and a count belongs to the day of the use that was the last when it was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..edge.eras import KEPT, Counted, Worker
from ..journal.moment import Moment

SCHEMA = 1
GAP = 900.0
"""Seconds between a look and a start of HAProxy in which use may have gone unseen, and that are put up with:
looks are kept at least every ten minutes, and the host has one every three."""
DAYS = 90
"""Days of which counts are kept."""
DAY = 86400.0


@dataclass(frozen=True)
class Use:
    """How an era was used: ``seen`` last, and per day requests and sessions begun."""

    seen: Moment
    days: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def within(self, days: float, now: Moment) -> bool:
        """Whether it was used in the last ``days``."""
        return self.seen.elapsed(now) <= days * DAY

    def counts(self, days: float, now: Moment) -> tuple[int, int]:
        """Requests and sessions of the last ``days``, whole days."""
        first = day_of(replace(now, wall=now.wall - days * DAY))
        kept = [count for day, count in self.days.items() if day >= first]
        return sum(requests for requests, _sessions in kept), sum(sessions for _requests, sessions in kept)


@dataclass(frozen=True)
class Usage:
    """What is known of a server's clients. ``since`` is from when on every use is known, ``looked`` when it
    was last looked; ``counted`` are the counts of each HAProxy process by then: requests, sessions."""

    since: Moment
    looked: Moment
    eras: Mapping[str, Use] = field(default_factory=dict)
    counted: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)

    def known(self, now: Moment) -> float:
        """Days of which every use is known."""
        return self.since.elapsed(now) / DAY

    def to_json(self) -> bytes:
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, text: str) -> Usage:
        """:raises ValueError, TypeError, KeyError, AttributeError: when it is none of this schema."""
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("its schema is another")
        return cls(
            since=Moment(**raw["since"]),
            looked=Moment(**raw["looked"]),
            eras={era: Use(Moment(**use["seen"]), _pairs(use["days"])) for era, use in raw["eras"].items()},
            counted={process: _pairs(counts) for process, counts in raw["counted"].items()},
        )


def looked_again(before: Usage | None, workers: Iterable[Worker], server: str, now: Moment) -> Usage:
    """What is known after a look.

    :param before: what was known before it; None: this is the first look.
    :param workers: HAProxy's processes with what each has counted, the present one first.
    """
    present, *left_behind = list(workers)
    processes = (present, *left_behind)
    elapsed = before.looked.elapsed(now) if before else 0.0
    eras = dict(before.eras) if before else {}
    for worker in processes:
        last = _counted_before(before, worker, elapsed)
        for era, counted in worker.servers.get(server, {}).items():
            requests, sessions = last.get(era, (0, 0))
            eras[era] = _added(eras.get(era), counted, requests, sessions, now)
    return Usage(
        since=_since(before, present, elapsed, now),
        looked=now,
        eras={era: _young(use, now) for era, use in eras.items()},
        counted={
            str(worker.process): {
                era: (counted.requests, counted.sessions)
                for era, counted in worker.servers.get(server, {}).items()
            }
            for worker in processes
        },
    )


def day_of(moment: Moment) -> str:
    """The day as ISO 8601 has it."""
    return moment.text()[:10]


def earlier(now: Moment, seconds: float) -> Moment:
    """The point in time that many seconds before."""
    return Moment(now.wall - seconds, now.since_boot - seconds, now.boot)


def _pairs(raw: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {key: (int(value[0]), int(value[1])) for key, value in raw.items()}


def _counted_before(before: Usage | None, worker: Worker, elapsed: float) -> Mapping[str, tuple[int, int]]:
    """What a process had counted at the look before; nothing where it has started since."""
    if before is None or worker.uptime + 2 < elapsed:
        return {}
    return before.counted.get(str(worker.process), {})


def _added(use: Use | None, counted: Counted, requests: int, sessions: int, now: Moment) -> Use:
    seen = earlier(now, 0.0 if counted.under_way else counted.idle)
    if use is not None and use.seen.elapsed(now) <= seen.elapsed(now):
        seen = use.seen
    # An entry that HAProxy has let go in between counts from nothing again.
    anew = counted.requests < requests or counted.sessions < sessions
    more = (
        counted.requests - (0 if anew else requests),
        counted.sessions - (0 if anew else sessions),
    )
    if more == (0, 0):
        return Use(seen, use.days if use else {})
    days = dict(use.days) if use else {}
    day = day_of(seen)
    known = days.get(day, (0, 0))
    return Use(seen, {**days, day: (known[0] + more[0], known[1] + more[1])})


def _young(use: Use, now: Moment) -> Use:
    first = day_of(earlier(now, DAYS * DAY))
    return replace(use, days={day: count for day, count in use.days.items() if day >= first})


def _since(before: Usage | None, present: Worker, elapsed: float, now: Moment) -> Moment:
    """From when on every use is known, now that it was looked."""
    started = earlier(now, min(present.uptime, KEPT))
    if before is None:
        return started
    unseen = elapsed - present.uptime
    if unseen > GAP:
        return started
    return earlier(now, KEPT) if elapsed > KEPT else before.since
