# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one server on one host, as values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .moment import Moment

SCHEMA = 1
SLOTS = ("blue", "green")
KINDS = ("update", "rollback", "remove")
STEPS = ("staged", "started", "ready", "switched", "baked", "drained")
"""Steps of an update that is under way, in order; after ``drained`` it is settled and no longer there."""


def other(slot: str) -> str:
    """The slot that ``slot`` is not."""
    return SLOTS[1 - SLOTS.index(slot)]


@dataclass(frozen=True)
class Deployment:
    """What a slot was given, and what it proved with it.

    ``offer`` is what the release offered when it was proven ready (None: not proven), ``address`` where
    it listened then, ``activated`` when it first got clients. ``configuration`` holds names of credentials,
    never their values. ``sha256`` is that of a package whose content is not told by its version.
    ``definition`` is what was said of it besides (``definition.kept``; older collections kept none).
    ``files`` tells whether the slot's files are still those that it was proven with (``SlotFiles.mark``;
    None: not known, as with older collections).
    """

    registry_type: str
    identifier: str
    version: str
    release: str
    path: str
    configuration: Mapping[str, Any]
    configuration_digest: str
    offer: Mapping[str, Any] | None = None
    address: str | None = None
    activated: Moment | None = None
    sha256: str | None = None
    definition: Mapping[str, Any] | None = None
    files: str | None = None

    @property
    def package(self) -> str:
        content = f" ({self.sha256[:12]})" if self.sha256 else ""
        return f"{self.identifier}@{self.version}{content}"

    @property
    def endpoint(self) -> str:
        """The path of its MCP endpoint."""
        return self.configuration.get("path") or "/mcp"


@dataclass(frozen=True)
class Transaction:
    """A change under way. ``origin`` is the slot that served before it (None: none did), ``target`` the
    slot that shall serve; ``step`` the last step that is done. ``displaced`` is the good deployment that the
    target slot held before. ``progressed`` is when it last got on, ``definition`` what going on without an
    operator takes (``definition.kept``); older collections wrote neither."""

    kind: str
    origin: str | None
    target: str
    generation: int
    started: Moment
    step: str | None = None
    switched: Moment | None = None
    baked: Moment | None = None
    reason: str | None = None
    displaced: Deployment | None = None
    progressed: Moment | None = None
    definition: Mapping[str, Any] | None = None

    def reached(self, step: str) -> bool:
        """Whether ``step`` is done."""
        return self.step is not None and STEPS.index(self.step) >= STEPS.index(step)


@dataclass(frozen=True)
class Result:
    """How the last finished change ended, with its evidence where it failed."""

    kind: str
    outcome: str
    source: str | None
    destination: str | None
    at: Moment
    reason: str | None = None
    evidence: str | None = None


@dataclass(frozen=True)
class Record:
    """``previous`` is the slot that a rollback returns to; ``generation`` the highest that was given out;
    ``protected`` whether changes need an approval (older collections wrote none)."""

    server: str
    ports: tuple[int, ...] = ()
    slots: Mapping[str, Deployment] = field(default_factory=dict)
    active: str | None = None
    previous: str | None = None
    generation: int = 0
    transaction: Transaction | None = None
    last: Result | None = None
    protected: bool = False

    def to_json(self) -> bytes:
        text = json.dumps({"schema": SCHEMA, **vars(self)}, indent=1, sort_keys=True, default=vars)
        return text.encode() + b"\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """:raises ValueError, TypeError, KeyError: when it is no record of this schema."""
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("its schema is another")
        return cls(
            **{
                **raw,
                "ports": tuple(raw["ports"]),
                "slots": {name: _deployment(value) for name, value in raw["slots"].items()},
                "transaction": _transaction(raw["transaction"]),
                "last": raw["last"] and Result(**{**raw["last"], "at": _moment(raw["last"]["at"])}),
            }
        )


def _moment(raw: Mapping[str, Any]) -> Moment:
    moment = Moment(**raw)
    if not all(isinstance(each, (int, float)) for each in (moment.wall, moment.since_boot)):
        raise ValueError("a time in it is no number")
    return moment


def _transaction(raw: dict[str, Any] | None) -> Transaction | None:
    if raw is None:
        return None
    moments = {
        key: _moment(raw[key]) for key in ("started", "switched", "baked", "progressed") if raw.get(key)
    }
    displaced = raw["displaced"] and _deployment(raw["displaced"])
    if raw["kind"] not in KINDS or raw["step"] not in (None, *STEPS):
        raise ValueError(f"there is no step {raw['step']!r} of {raw['kind']!r}")
    return Transaction(**{**raw, **moments, "displaced": displaced})


def _deployment(raw: Mapping[str, Any]) -> Deployment:
    return Deployment(**{**raw, "activated": raw["activated"] and _moment(raw["activated"])})
