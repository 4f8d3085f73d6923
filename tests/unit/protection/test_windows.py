# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When changes may happen: tables of windows and points in time, with the nights on which clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.windows import next_opening, shut

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
NIGHTS = {"allow": "nights", "days": ["mon", "fri"], "from": "22:00", "to": "02:00", "timezone": BERLIN}
FAIR = {"freeze": "fair", "dates": ["2026-11-23"], "timezone": BERLIN}
YEAR_END = {"freeze": "end of year", "dates": ["2026-12-20..2027-01-02"]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(windows: list[dict[str, Any]], moment: str) -> bool:
    return shut(rules_of(None, windows, None).windows, at(moment)) is None


@pytest.mark.parametrize(
    ("windows", "moment", "expected"),
    [
        ([], "2026-11-26 12:00", True),
        ([YEAR_END], "2026-12-19 23:59", True),
        ([YEAR_END], "2026-12-20 00:00", False),
        ([YEAR_END], "2027-01-02 23:59", False),
        ([YEAR_END], "2027-01-03 00:00", True),
        # Monday 2026-11-23, in Berlin at 22:00 to Tuesday 02:00.
        ([NIGHTS], "2026-11-23 20:59", False),
        ([NIGHTS], "2026-11-23 21:00", True),
        ([NIGHTS], "2026-11-24 00:59", True),
        ([NIGHTS], "2026-11-24 01:00", False),
        # Tuesday's night is none, though Tuesday's small hours were open.
        ([NIGHTS], "2026-11-24 21:30", False),
        # In summer the same clock is an hour earlier.
        ([NIGHTS], "2026-07-06 20:00", True),
        ([NIGHTS], "2026-07-06 19:59", False),
        # A freeze wins over a window, and ends with its last day in its own zone.
        ([NIGHTS, FAIR], "2026-11-23 22:30", False),
        ([NIGHTS, FAIR], "2026-11-23 23:00", True),
        # Two windows: either will do.
        ([NIGHTS, {"allow": "noon", "from": "12:00", "to": "13:00"}], "2026-11-25 12:30", True),
        # A freeze until a point in time.
        ([{"freeze": "f", "until": "2026-12-01 08:00", "timezone": BERLIN}], "2026-12-01 06:59", False),
        ([{"freeze": "f", "until": "2026-12-01 08:00", "timezone": BERLIN}], "2026-12-01 07:00", True),
        ([{"freeze": "f", "until": "2026-12-01T08:00:00+05:00"}], "2026-12-01 03:00", True),
        # The whole day, to its end; the same time twice is a day around.
        ([{"allow": "sunday", "days": ["sun"], "to": "24:00"}], "2026-11-29 23:59", True),
        ([{"allow": "sunday", "days": ["sun"], "to": "24:00"}], "2026-11-30 00:00", False),
        ([{"allow": "a", "days": ["sun"], "from": "06:00", "to": "06:00"}], "2026-11-30 05:59", True),
        ([{"allow": "a", "days": ["sun"], "from": "06:00", "to": "06:00"}], "2026-11-30 06:00", False),
        # A window that was is none any more, and does not open by being over.
        ([{"allow": "once", "until": "2026-11-01"}], "2026-11-02 00:00", False),
    ],
)  # fmt: skip
def test_changes_are_allowed_within_windows_and_outside_freezes(
    windows: list[dict[str, Any]], moment: str, expected: bool
) -> None:
    assert is_open(windows, moment) is expected


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        # Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC; the night has an hour less.
        ({"allow": "a", "from": "01:00", "to": "04:00", "timezone": BERLIN}, "2026-03-29 00:00", True),
        ({"allow": "a", "from": "01:00", "to": "04:00", "timezone": BERLIN}, "2026-03-29 01:59", True),
        ({"allow": "a", "from": "01:00", "to": "04:00", "timezone": BERLIN}, "2026-03-29 02:00", False),
        # The hour that is left out is no window.
        ({"allow": "a", "from": "02:00", "to": "03:00", "timezone": BERLIN}, "2026-03-29 01:00", False),
        ({"allow": "a", "from": "02:00", "to": "03:00", "timezone": BERLIN}, "2026-03-29 00:59", False),
        # A freeze that begins in it begins at the earlier time that it can mean.
        ({"freeze": "f", "from": "02:30", "to": "05:00", "timezone": BERLIN}, "2026-03-29 00:30", False),
        # Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC; 02:00 to 03:00 comes twice.
        ({"allow": "a", "from": "02:00", "to": "02:30", "timezone": BERLIN}, "2026-10-25 00:15", True),
        ({"allow": "a", "from": "02:00", "to": "02:30", "timezone": BERLIN}, "2026-10-25 01:15", False),
        ({"freeze": "f", "from": "02:00", "to": "02:30", "timezone": BERLIN}, "2026-10-25 00:15", False),
        ({"freeze": "f", "from": "02:00", "to": "02:30", "timezone": BERLIN}, "2026-10-25 01:15", False),
        ({"freeze": "f", "from": "02:00", "to": "02:30", "timezone": BERLIN}, "2026-10-25 01:30", True),
        # Over midnight into the longer night: 22:00 to 04:00 is seven hours.
        ({"allow": "a", "from": "22:00", "to": "04:00", "timezone": BERLIN}, "2026-10-25 02:59", True),
        ({"allow": "a", "from": "22:00", "to": "04:00", "timezone": BERLIN}, "2026-10-25 03:00", False),
        # New York, 2026-11-01: 02:00 becomes 01:00 at 06:00 UTC.
        ({"allow": "a", "from": "00:00", "to": "03:00", "timezone": NEW_YORK}, "2026-11-01 07:59", True),
        ({"allow": "a", "from": "00:00", "to": "03:00", "timezone": NEW_YORK}, "2026-11-01 08:00", False),
    ],
)  # fmt: skip
def test_a_window_takes_the_first_and_a_freeze_the_longest_of_a_time_that_clocks_make_ambiguous(
    window: dict[str, Any], moment: str, expected: bool
) -> None:
    assert is_open([window], moment) is expected


@pytest.mark.parametrize(
    ("windows", "moment", "expected"),
    [
        ([NIGHTS], "2026-11-24 12:00", "2026-11-27 21:00"),
        ([NIGHTS, {"freeze": "f", "dates": ["2026-11-27..2026-11-29"]}], "2026-11-25 12:00",
         "2026-11-30 21:00"),
        ([YEAR_END], "2026-12-24 12:00", "2027-01-03 00:00"),
        # A freeze that ends within a window opens it.
        ([NIGHTS, {"freeze": "f", "until": "2026-11-23T22:30:00Z"}], "2026-11-23 12:00", "2026-11-23 22:30"),
        ([{"allow": "once", "dates": ["2027-06-01"]}], "2026-11-24 12:00", "2027-06-01 00:00"),
        ([{"allow": "never", "dates": ["2020-06-01"]}], "2026-11-24 12:00", None),
    ],
)  # fmt: skip
def test_the_next_opening_is_when_a_window_is_on_and_no_freeze_is(
    windows: list[dict[str, Any]], moment: str, expected: str | None
) -> None:
    found = next_opening(rules_of(None, windows, None).windows, at(moment))
    assert found == (at(expected) if expected else None)
    assert found is None or shut(rules_of(None, windows, None).windows, found) is None


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"from": "22:00"}, "number 1: it has neither allow nor freeze"),
        ({"allow": "a", "freeze": "b"}, "it has both"),
        ({"allow": True}, "allow: it is True. Give it a name"),
        ({"allow": "a", "from": 1320},
         'number 1 (a), from: it is 1320. Quote it, with two digits each, like "22:00"'),
        ({"allow": "a", "to": "25:00"}, "to: it is '25:00'"),
        ({"allow": "a", "days": "mon"}, "days: it is 'mon'. Write it as a list of mon, tue"),
        ({"allow": "a", "days": ["moonday"]}, "days: it is ['moonday']"),
        ({"allow": "a", "days": []}, "days: it is []"),
        ({"allow": "a", "timezone": "Europe/Brelin"}, "timezone: 'Europe/Brelin' is not known on this host"),
        ({"allow": "a", "timezone": "../../etc/passwd"}, "timezone: '../../etc/passwd' is not known"),
        ({"freeze": "a", "dates": ["2026-13-01"]}, "dates: '2026-13-01' is no date"),
        ({"freeze": "a", "dates": ["2026-12-24..2026-12-20"]}, "ends before it begins"),
        ({"freeze": "a", "until": "tomorrow"}, "until: 'tomorrow' is no point in time"),
        ({"allow": "a", "weekdays": ["mon"]}, "unknown key weekdays. Known keys: allow, freeze, days, from"),
        ("nights", "number 1: it is 'nights'. Write it as a mapping"),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_read_says_which_and_how_to_write_it(window: Any, said: str) -> None:
    with pytest.raises(FleetError) as caught:
        rules_of(None, [window], None)
    assert said in str(caught.value) and "read mcp_windows" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((["time"], None, None), "'time' names no change of a server. Write each like time@2026.10.19"),
        ((["time:gone"], None, None), "'time:gone' names no change"),
        (("time@1", None, None), "read mcp_approve: it is 'time@1', no list"),
        ((None, {"allow": "a"}, None), "read mcp_windows: it is {'allow': 'a'}, no list"),
        ((None, None, True), "read mcp_emergency: it is True, and no reason"),
        ((None, None, "  "), "and no reason. Say why it cannot wait"),
    ],
)
def test_rules_that_cannot_be_read_refuse_everything(given: tuple[Any, Any, Any], said: str) -> None:
    with pytest.raises(FleetError) as caught:
        rules_of(*given)
    assert said in str(caught.value)
