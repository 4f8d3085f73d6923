# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change becomes lines: one before its first effect, so that a killed run leaves a trace, one after."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..errors import FleetError
from ..redaction import mask
from .line import Head, size
from .trail import LONGEST_LINE, Trail

LONGEST_TEXT = 1500
"""Characters of a text in a line, and entries of a list: 100. A line that is too long for the audit so is
cut further."""
_CUTS = ((LONGEST_TEXT, 100), (600, 60), (300, 30), (100, 20), (20, 5))
_HASHES = 1024
"""Bytes of a line that come to what is told: its place in the chain."""
_DEEPEST = 6

RESULTS = ("done", "failed", "undone")


def login() -> dict[str, Any]:
    """Who runs this process, as this host knows it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return {"uid": os.getuid(), "login": name}


@dataclass(frozen=True)
class Who:
    """Who asks for a change: ``claims`` are the controller's words for it (user, AWX job), ``host`` its name
    for this host; ``reason`` is what they gave for it."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    host: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """With who it is here, whatever was claimed."""
        return {**{key: value for key, value in self.claims.items() if value not in (None, "")}, **login()}


@dataclass
class Change:
    """A change under way. ``result`` and what is ``told`` at its end are set while it goes on."""

    number: int
    result: str | None = None
    told: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)


class Account:
    """Writes down what happens to a host.

    :param now: Unix time in seconds.
    """

    def __init__(self, trail: Trail, who: Who, now: Callable[[], float]) -> None:
        self._trail = trail
        self._who = who
        self._now = now
        self.head: Head | None = None
        self.problem: str | None = None

    def look(self) -> None:
        """Take the head of the chain as it is; what keeps it from being read is its ``problem``."""
        try:
            self.head = self._trail.head()
        except FleetError as error:
            self.problem = str(error)

    @contextlib.contextmanager
    def change(
        self, action: str, server: str | None, begun: Mapping[str, Any], *,
        secrets: Collection[str] = (), needed: bool = True,
    ) -> Iterator[Change]:  # fmt: skip
        """Write a line, let the change happen, and write how it ended.

        Without another ``result`` it is done when nothing is raised, else failed. A line that cannot be
        written at the end is a ``problem``, and no failure of what was done.

        :param begun: what the first line says: what is there before, what is wanted.
        :param secrets: values that no line may show.
        :param needed: whether the change may not begin without that line; a way back always may.
        :raises FleetError: when the first line cannot be written and is ``needed``.
        """
        about = {"action": action, "server": server, "host": self._who.host or socket.gethostname()}
        change = Change(0, secrets=set(secrets))
        first = {"event": "started", **about, "who": self._who.to_json(), "reason": self._who.reason, **begun}
        try:
            change.number = self._write(first, change.secrets).seq
        except FleetError as error:
            if needed:
                raise _unrecorded(error, server) from error
            self.problem = str(error)
        try:
            yield change
        except BaseException as error:
            if isinstance(error, Exception):
                self._finish(change, about, change.result or "failed", error)
            raise
        self._finish(change, about, change.result or "done", None)

    def _finish(self, change: Change, about: Mapping[str, Any], result: str, error: Exception | None) -> None:
        last = {"event": "ended", **about, "started": change.number, "result": result, **change.told}
        if error is not None:
            last.setdefault("reason", str(error))
        try:
            self._write(last, change.secrets)
        except FleetError as problem:
            self.problem = str(problem)

    def _write(self, fields: Mapping[str, Any], secrets: Collection[str]) -> Head:
        time = datetime.fromtimestamp(self._now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.head = self._trail.append({**_fitting(fields, secrets), "time": time})
        return self.head


def _unrecorded(error: FleetError, server: str | None) -> FleetError:
    return FleetError(
        "record the change before it begins", f"{error.tried}: {error.came_back}",
        f"{error.cure} Nothing was changed: what is not on record may not happen (a rollback may).", server,
    )  # fmt: skip


def _fitting(fields: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """What a line says, cut until it is short enough for one, as far as that goes."""
    shown: dict[str, Any] = {}
    for longest, most in _CUTS:
        shown = _shown(fields, secrets, longest, most, 0)
        if size(shown) <= LONGEST_LINE - _HASHES:
            break
    return shown


def _shown(value: Any, secrets: Collection[str], longest: int, most: int, depth: int) -> Any:
    """A value as a line has it: without secrets, texts and lists cut, nothing but what JSON knows."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {
                mask(str(key), secrets)[:longest]: _shown(each, secrets, longest, most, depth + 1)
                for key, each in list(value.items())[: 10 * most]
            }
        if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (str, bytes)):
            return [_shown(each, secrets, longest, most, depth + 1) for each in list(value)[:most]]
    text = mask(str(value), secrets)
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text)} characters)"
