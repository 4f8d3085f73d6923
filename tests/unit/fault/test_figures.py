# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make fault`` takes for a promise that is not kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fault.__main__ import WHOLE, missed

GOOD: dict[str, Any] = {
    "crash_points": 250,
    "recovered": 250,
    "worst_recovery_s": 4.9,
    "histories": 5000,
    "invariant_violations": 0,
    "client_failures": 0,
    "seconds": 1400,
}


def test_figures_that_are_as_promised_miss_nothing() -> None:
    assert missed(GOOD, WHOLE) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recovered", 249),
        ("worst_recovery_s", 5.1),
        ("histories", 4999),
        ("invariant_violations", 1),
        ("client_failures", 1),
        ("seconds", 1501),
        *((name, None) for name in GOOD if name != "crash_points"),
    ],
)
def test_a_figure_that_is_worse_or_not_known_is_missed(name: str, value: object) -> None:
    assert missed({**GOOD, name: value}, WHOLE) == [name]


def test_too_few_points_are_missed_though_all_were_recovered() -> None:
    assert missed({**GOOD, "crash_points": 199, "recovered": 199}, WHOLE) == ["crash_points"]


def test_points_that_nobody_counted_were_not_recovered() -> None:
    assert missed({**GOOD, "crash_points": None}, WHOLE) == ["crash_points", "recovered"]
