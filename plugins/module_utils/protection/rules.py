# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what stands in an inventory to ``Rules``; every doubt is an error that says what to write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timezone, tzinfo
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from ..errors import FleetError
from .windows import DAYS, Window

_KEYS = ("allow", "freeze", "days", "from", "to", "timezone", "dates", "until")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_APPROVAL = re.compile(r"[a-z0-9][a-z0-9-]*(@[^@\s]+|:[a-z]+)")
KINDS = ("absent", "cleanup", "unprotected")
"""What is approved by its name; a version is approved as ``NAME@VERSION``."""
_EXAMPLE = (
    'mcp_windows: [{allow: nights, days: [mon, tue], from: "22:00", to: "04:00", timezone: Europe/Berlin}]'
)


@dataclass(frozen=True)
class Rules:
    """``approvals`` as they were given, ``emergency`` the reason for which windows do not count."""

    approvals: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    emergency: str | None = None


def rules_of(approve: Any, windows: Any, emergency: Any) -> Rules:
    """Check what was given as ``mcp_approve``, ``mcp_windows`` and ``mcp_emergency``; None: nothing was.

    :raises FleetError: naming what is wrong and how to write it.
    """
    return Rules(
        frozenset(
            _approval(each) for each in _list("mcp_approve", approve, 'mcp_approve: ["time@2026.10.19"]')
        ),
        tuple(
            _window(number, each) for number, each in enumerate(_list("mcp_windows", windows, _EXAMPLE), 1)
        ),
        _emergency(emergency),
    )


def _list(name: str, value: Any, like: str) -> Sequence[Any]:
    if value is None or value == "":
        return ()
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise FleetError(f"read {name}", f"it is {value!r}, no list", f"Write it like {like}.")
    return value


def _approval(value: Any) -> str:
    text = str(value).strip()
    kind = text.partition(":")[2]
    if not isinstance(value, str) or not _APPROVAL.fullmatch(text) or (kind and kind not in KINDS):
        raise FleetError(
            "read mcp_approve", f"{value!r} names no change of a server",
            f"Write each like time@2026.10.19 (a version), or time:KIND with {', '.join(KINDS)}.",
        )  # fmt: skip
    return text


def _emergency(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.strip():
        raise FleetError(
            "read mcp_emergency", f"it is {value!r}, and no reason",
            'Say why it cannot wait, like mcp_emergency: "CVE-2026-1234 is being exploited".',
        )  # fmt: skip
    return " ".join(value.split())


def _window(number: int, raw: Any) -> Window:
    reader = _Reader(number, raw)
    name, freeze = reader.name()
    start = reader.clock("from")
    end = reader.clock("to")
    zone = reader.zone()
    return Window(
        name=name,
        freeze=freeze,
        days=reader.days(),
        start=start or time(0),
        end=end,
        zone=zone,
        dates=reader.dates(),
        until=reader.until(zone),
    )


class _Reader:
    def __init__(self, number: int, raw: Any) -> None:
        self._place = f"number {number}"
        if not isinstance(raw, Mapping):
            self._raw: Mapping[str, Any] = {}
            self._complain("", f"it is {raw!r}", f"Write it as a mapping, like {_EXAMPLE}.")
        self._raw = raw
        unknown = sorted(str(key) for key in raw if key not in _KEYS)
        if unknown:
            self._complain("", f"unknown key {', '.join(unknown)}", f"Known keys: {', '.join(_KEYS)}.")

    def _complain(self, key: str, came_back: str, cure: str) -> NoReturn:
        raise FleetError(f"read mcp_windows, {self._place}{f', {key}' if key else ''}", came_back, cure)

    def name(self) -> tuple[str, bool]:
        """What it is called, and whether it is a freeze."""
        given = [key for key in ("allow", "freeze") if key in self._raw]
        if len(given) != 1:
            came_back = "it has both allow and freeze" if given else "it has neither allow nor freeze"
            self._complain("", came_back, "Give one of them, with a name to know it by: allow: nights.")
        value = self._raw[given[0]]
        if not isinstance(value, str) or not value.strip():
            self._complain(
                given[0], f"it is {value!r}", f"Give it a name to know it by, like {given[0]}: nights."
            )
        self._place += f" ({value})"
        return " ".join(value.split()), given[0] == "freeze"

    def clock(self, key: str) -> time | None:
        """A time of day; None where there is none, or it is midnight at the end of the day."""
        value = self._raw.get(key)
        if value is None or value == "24:00":
            return None
        found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            # YAML reads 22:00 without quotes as the number 1320.
            self._complain(key, f"it is {value!r}", 'Quote it, with two digits each, like "22:00".')
        return time(int(found[1]), int(found[2]))

    def days(self) -> frozenset[int]:
        """Numbers of weekdays; Monday is 0."""
        value = self._raw.get("days")
        if value is None:
            return frozenset(range(7))
        names = [str(each).lower()[:3] for each in value] if isinstance(value, (list, tuple)) else []
        if not names or any(name not in DAYS for name in names):
            self._complain("days", f"it is {value!r}", f"Write it as a list of {', '.join(DAYS)}.")
        return frozenset(DAYS.index(name) for name in names)

    def zone(self) -> tzinfo:
        """The zone of its times."""
        value = self._raw.get("timezone", "UTC")
        if value in ("UTC", "Etc/UTC"):
            return timezone.utc
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, TypeError, OSError):
            self._complain(
                "timezone", f"{value!r} is not known on this host",
                "Give a name like Europe/Berlin or UTC; if it lacks them all, install tzdata there.",
            )  # fmt: skip

    def dates(self) -> tuple[tuple[date, date], ...]:
        """First and last days."""
        value = self._raw.get("dates")
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)) or not value:
            self._complain(
                "dates", f"it is {value!r}", 'Write it as a list, like ["2026-12-20..2027-01-03"].'
            )
        return tuple(self._range(each) for each in value)

    def _range(self, value: Any) -> tuple[date, date]:
        first, dots, last = str(value).partition("..")
        try:
            found = date.fromisoformat(first.strip()), date.fromisoformat((last if dots else first).strip())
        except ValueError:
            self._complain("dates", f"{value!r} is no date", "Write 2026-12-24, or 2026-12-20..2027-01-03.")
        if found[1] < found[0]:
            self._complain("dates", f"{value!r} ends before it begins", "Write the earlier day first.")
        return found

    def until(self, zone: tzinfo) -> datetime | None:
        """When it no longer counts."""
        value = self._raw.get("until")
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(str(value).strip())
        except ValueError:
            self._complain("until", f"{value!r} is no point in time", "Write it like 2026-12-01 08:00.")
        local = found if found.tzinfo else found.replace(tzinfo=zone)
        return local.astimezone(timezone.utc)
