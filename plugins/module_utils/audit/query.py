# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding lines of an audit, and what is to be read from them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from ..errors import FleetError
from .line import Line

COLUMNS = (
    "seq", "time", "event", "host", "server", "action", "result", "who", "before", "wanted", "after",
    "reason", "started", "contract", "allowed", "plan", "releases", "count", "deleted", "ended", "left",
    "reclaimed", "backup",
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """What lines must have; None: anything. ``since`` and ``until`` are points in time, both included."""

    server: str | None = None
    action: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def select(self, lines: Iterable[Line]) -> list[Line]:
        """The lines that fit, in order."""
        return [line for line in lines if self._fits(line)]

    def _fits(self, line: Line) -> bool:
        for key in ("server", "action", "result"):
            wanted = getattr(self, key)
            if wanted is not None and line.fields.get(key) != wanted:
                return False
        if self.since is None and self.until is None:
            return True
        at = _at(line)
        return at is not None and (self.since or at) <= at <= (self.until or at)


def _at(line: Line) -> datetime | None:
    try:
        return moment(str(line.fields.get("time")), "time")
    except FleetError:
        return None


def moment(text: str, option: str, end: bool = False) -> datetime:
    """A point in time from ISO 8601; without a zone it is UTC, and a day alone its beginning (or ``end``).

    :raises FleetError: when it is none.
    """
    try:
        # Before Python 3.11 fromisoformat knows no Z.
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        if end and len(text.strip()) == len(date.min.isoformat()):
            found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    except ValueError as error:
        raise FleetError(
            f"read {option}", f"it is {text!r}", "Give it like 2026-10-19 or 2026-10-19T22:00:00Z."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def open_changes(lines: Sequence[Line]) -> list[Line]:
    """Changes of which no line says how they ended, and that no later change of their server took up."""
    ended = {line.fields.get("started") for line in lines if line.event == "ended"}
    begun = [line for line in lines if line.event == "started"]
    latest = {_thread(line): line.seq for line in begun}
    return [line for line in begun if line.seq not in ended and latest[_thread(line)] == line.seq]


def _thread(line: Line) -> tuple[object, bool]:
    """What goes on with what: a cleanup with a cleanup, all else of a server with each other."""
    return line.fields.get("server"), line.fields.get("action") == "cleanup"


def shown(line: Line) -> dict[str, Any]:
    """A line as modules return it."""
    return {**line.fields, "hash": line.hash}


def exported(lines: Iterable[Line], kind: str) -> str:
    """Lines as text: ``jsonl`` (as they are in the audit), or ``csv`` (nested values as JSON)."""
    if kind == "jsonl":
        return "".join(
            json.dumps(shown(line), sort_keys=True, separators=(",", ":")) + "\n" for line in lines
        )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, "previous", "hash"))
    for line in lines:
        whole = shown(line)
        writer.writerow([_cell(whole.get(column)) for column in (*COLUMNS, "previous", "hash")])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    # A spreadsheet takes what begins like this for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") else text
