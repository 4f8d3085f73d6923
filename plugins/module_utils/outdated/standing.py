# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside what its registry offers: one entry for each server and version that runs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

from .answer import Answer, Published
from .versions import is_newer

COLUMNS = (
    "server", "running", "hosts", "locked", "newest", "pre-release", "standing", "new environment",
    "contract",
)  # fmt: skip

UNKNOWN = "not known"
NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Running:
    """A server as one host has it. ``version`` is what serves (None: nothing does, or with ``problem`` it
    is not known), ``defined`` what the inventory wants; ``given`` are variables that the first was given,
    ``required`` those that the second requires (None: not known)."""

    server: str
    host: str
    registry_type: str
    identifier: str
    version: str | None = None
    defined: str | None = None
    given: Sequence[str] = ()
    required: Sequence[str] | None = None
    problem: str | None = None

    @property
    def package(self) -> tuple[str, str]:
        return self.registry_type, self.identifier


@dataclass(frozen=True)
class Entry:
    """``status`` is ``newest``, ``outdated``, ``not checked`` or ``not running``, ``problem`` why it was not
    checked; ``newest`` and ``newest_at_all`` have a version, when it was published and how many days ago.
    ``environment`` are variables that the newest requires and the running one lacks (None: not known);
    ``contract`` how their offers differ (None: not compared)."""

    server: str
    registry_type: str
    identifier: str
    hosts: Sequence[str]
    running: Mapping[str, Any] | None
    defined: Sequence[str]
    locked: Sequence[str]
    status: str
    problem: str | None = None
    newest: Mapping[str, Any] | None = None
    newest_at_all: Mapping[str, Any] | None = None
    notices: Sequence[str] = ()
    environment: Sequence[str] | None = None
    contract: Mapping[str, Any] | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def entries_of(
    running: Sequence[Running],
    answers: Mapping[tuple[str, str], Answer | str],
    locked: Mapping[tuple[str, str], Sequence[str]],
    now: datetime,
) -> list[Entry]:
    """One entry for each server, package and version that serves.

    :param answers: what the registry of each package said, or why it did not.
    :param locked: the versions of each package that are locked.
    """
    together: dict[tuple[str, ...], list[Running]] = {}
    for item in running:
        key = (item.server, item.registry_type, item.identifier, item.version or "", item.problem or "")
        together.setdefault(key, []).append(item)
    return [
        _entry(held, answers[held[0].package], locked.get(held[0].package, ()), now)
        for _key, held in sorted(together.items())
    ]


def _entry(held: Sequence[Running], answer: Answer | str, locked: Sequence[str], now: datetime) -> Entry:
    first = held[0]
    common: dict[str, Any] = {
        "server": first.server,
        "registry_type": first.registry_type,
        "identifier": first.identifier,
        "hosts": sorted(item.host for item in held),
        "defined": sorted({item.defined for item in held if item.defined}),
        "locked": list(locked),
    }
    if isinstance(answer, str):
        running = {"version": first.version, "published": None, "age_days": None} if first.version else None
        return Entry(**common, running=running, status=NOT_CHECKED, problem=answer)
    stable, latest = answer.newest(True), answer.newest(False)
    # Who runs what was never published as stable is compared with what comes next at all.
    wanted = stable or latest
    runs = answer.of(first.version) if first.version else None
    return Entry(
        **common,
        running=_dated(runs, now) if runs else None,
        status=NOT_CHECKED if first.problem else _status(answer, first.version, wanted),
        problem=first.problem,
        newest=_dated(answer.of(wanted), now) if wanted else None,
        newest_at_all=_dated(answer.of(latest), now) if latest else None,
        notices=_notices(answer, runs, wanted),
        environment=_environment(held, wanted),
    )


def _environment(held: Sequence[Running], wanted: str | None) -> list[str] | None:
    """Only a server.json says what a version requires, and the inventory has that of the defined one."""
    told = [item for item in held if item.required is not None and item.defined == wanted]
    if not told:
        return None
    return sorted({name for item in told for name in item.required or () if name not in item.given})


def _status(answer: Answer, version: str | None, wanted: str | None) -> str:
    if version is None:
        return "not running"
    if wanted is None:
        return "newest"
    return "outdated" if is_newer(answer.registry_type, wanted, version) else "newest"


def _dated(said: Published, now: datetime) -> dict[str, Any]:
    return {"version": said.version, "published": said.at, "age_days": age(said.at, now)}


def _notices(answer: Answer, runs: Published | None, wanted: str | None) -> list[str]:
    """What is said against the running version, and the newest one."""
    found = [answer.notice] if answer.notice else []
    for said in filter(None, (runs, answer.of(wanted) if wanted else None)):
        words = [
            f"{said.version} is {what}{_because(text, what)}"
            for what, text in (("withdrawn", said.withdrawn), ("deprecated", said.deprecated))
            if text
        ]
        found += [word for word in words if word not in found]
    return found


def _because(text: str, what: str) -> str:
    return "" if text in (what, "true") else f": {' '.join(text.split())}"


def age(at: str | None, now: datetime) -> int | None:
    """Whole days since a point in time in ISO 8601; None where it is none."""
    if not at:
        return None
    try:
        moment = datetime.fromisoformat(_plain(at))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0, (now - moment).days)


def _plain(at: str) -> str:
    """What Python 3.9 reads too: no Z, no fraction."""
    text = at.replace("Z", "+00:00")
    head, dot, rest = text.partition(".")
    return head + rest.lstrip("0123456789") if dot else text


def with_contract(entry: Mapping[str, Any], compared: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """An entry's JSON with how the contract of its newest version differs, where that was looked at.

    :param compared: results of looks ahead; ``item`` is the entry that each is of.
    """
    for result in compared:
        item = result.get("item") or {}
        if (item.get("server"), item.get("hosts")) == (entry["server"], entry["hosts"]):
            said = result.get("msg") or result.get("contract_problem")
            failure = said or "its host did not look, or could not"
            return {**entry, "contract": result.get("contract") or {"verdict": None, "problem": failure}}
    return entry


def row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """An entry's JSON as COLUMNS has it."""
    newest, latest = entry["newest"], entry["newest_at_all"]
    ahead = latest and newest and latest["version"] != newest["version"]
    problem = f" ({entry['problem']})" if entry["problem"] else ""
    return (
        entry["server"],
        _with_age(entry["running"]),
        ", ".join(entry["hosts"]),
        ", ".join(entry["locked"]) or "–",
        _with_age(newest),
        _with_age(latest) if ahead else "–",
        "; ".join([f"{entry['status']}{problem}", *entry["notices"]]),
        UNKNOWN if entry["environment"] is None else ", ".join(entry["environment"]) or "none",
        _compared(entry["contract"] or {}),
    )


def _compared(contract: Mapping[str, Any]) -> str:
    problem = contract.get("problem")
    why = f" ({textwrap.shorten(problem, 120, placeholder=' …')})" if problem else ""
    return contract.get("verdict") or f"not compared{why}"


def _with_age(version: Mapping[str, Any] | None) -> str:
    if not version:
        return "–"
    days = version["age_days"]
    return str(version["version"]) if days is None else f"{version['version']} ({days} days)"
