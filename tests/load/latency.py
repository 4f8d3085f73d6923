# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Latencies in logarithmic buckets: a fixed small size however long a load runs."""

from __future__ import annotations

import math
from collections import Counter

PER_DECADE = 100
"""Fine buckets per factor of ten: a percentile is at most 2.4 % too high, never too low."""
SHOWN_PER_DECADE = 10
"""Buckets per factor of ten in the report."""
FLOOR_MS = 0.01
"""All that is faster is in the first bucket."""


class Latencies:
    """How long requests took, in milliseconds."""

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.maximum = 0.0

    def add(self, milliseconds: float) -> None:
        """Count one request."""
        self.maximum = max(self.maximum, milliseconds)
        self.buckets[math.ceil(math.log10(max(milliseconds, FLOOR_MS) / FLOOR_MS) * PER_DECADE)] += 1

    def include(self, other: Latencies) -> None:
        """Count all that another has counted."""
        self.buckets.update(other.buckets)
        self.maximum = max(self.maximum, other.maximum)

    def percentile(self, share: float) -> float | None:
        """The time within which this share (0 to 1) of the requests was answered; None without requests."""
        wanted = math.ceil(share * self.buckets.total())
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= wanted:
                return min(_bound(index, PER_DECADE), self.maximum)
        return None

    def summary(self) -> dict[str, float | None]:
        """The usual percentiles and the maximum, in milliseconds."""
        shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
        named = {name: self.percentile(share) for name, share in shares.items()}
        named["max"] = self.maximum if self.buckets else None
        return {name: None if value is None else round(value, 3) for name, value in named.items()}

    def histogram(self) -> list[dict[str, float]]:
        """Counts by the upper bound of their bucket; buckets with nothing in them are left out."""
        shown: Counter[int] = Counter()
        for index, count in self.buckets.items():
            shown[math.ceil(index * SHOWN_PER_DECADE / PER_DECADE)] += count
        return [{"le_ms": round(_bound(i, SHOWN_PER_DECADE), 4), "count": shown[i]} for i in sorted(shown)]


def _bound(index: int, per_decade: int) -> float:
    return FLOOR_MS * math.pow(10, index / per_decade)
