# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When changes may happen: windows that allow them, and freezes that forbid them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_AHEAD = 400
"""Days that are looked at for the next opening: a window of one day a year is among them."""


@dataclass(frozen=True)
class Window:
    """Times of days in a zone. ``freeze``: no change happens then; else changes may.

    ``end`` None: to the end of the day; one that is not after ``start`` is on the day after. ``dates`` are
    first and last days (none: any day), ``until`` is when it no longer counts.
    """

    name: str
    freeze: bool
    days: frozenset[int] = frozenset(range(7))
    start: time = time(0)
    end: time | None = None
    zone: tzinfo = timezone.utc
    dates: tuple[tuple[date, date], ...] = ()
    until: datetime | None = None

    def times(self, day: date) -> tuple[datetime, datetime] | None:
        """When that which begins on this day of its zone begins and ends (UTC); None: nothing begins then.

        Where a clock is set, a freeze takes the longer of what the times can mean, a window the first.
        """
        if day.weekday() not in self.days:
            return None
        if self.dates and not any(first <= day <= last for first, last in self.dates):
            return None
        late = self.end is None or self.end <= self.start
        begin, end = self._instants(day, self.start), self._instants(day + late * _DAY, self.end or time(0))
        first, last = (min(begin), max(end)) if self.freeze else (begin[0], end[0])
        if self.until is not None:
            last = min(last, self.until)
        return (first, last) if first < last else None

    def _instants(self, day: date, at: time) -> tuple[datetime, datetime]:
        """What a time of a clock can mean: two points in time when it comes twice or is left out."""
        local = datetime.combine(day, at, tzinfo=self.zone)
        return local.astimezone(timezone.utc), local.replace(fold=1).astimezone(timezone.utc)

    def covers(self, now: datetime) -> bool:
        """Whether it is on at a point in time."""
        today = now.astimezone(self.zone).date()
        found = (self.times(today + offset * _DAY) for offset in (-2, -1, 0, 1))
        return any(each is not None and each[0] <= now < each[1] for each in found)


def shut(windows: Sequence[Window], now: datetime) -> str | None:
    """Why no change may happen at a point in time (with a zone); None: it may.

    A freeze forbids whatever a window allows. Without any window all times but freezes are open.
    """
    freezes = [window.name for window in windows if window.freeze and window.covers(now)]
    if freezes:
        return f"changes are frozen ({', '.join(freezes)})"
    allowing = [window for window in windows if not window.freeze]
    if not allowing or any(window.covers(now) for window in allowing):
        return None
    return f"it is outside all change windows ({', '.join(window.name for window in allowing)})"


def next_opening(windows: Sequence[Window], now: datetime) -> datetime | None:
    """The next point in time (UTC) at which changes may happen; None: none within the next year."""
    points = {point for window in windows for point in _edges(window, now) if point > now}
    return next((point for point in sorted(points) if shut(windows, point) is None), None)


def _edges(window: Window, now: datetime) -> Iterator[datetime]:
    today = now.astimezone(window.zone).date()
    for offset in range(-2, _AHEAD):
        yield from window.times(today + offset * _DAY) or ()
