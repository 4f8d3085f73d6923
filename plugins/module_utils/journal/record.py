# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one server on one host, as values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .check import (
    Rule,
    boolean,
    check,
    count,
    folder,
    having,
    mapping,
    one_of,
    optional,
    port_pair,
    seconds,
    text,
    texts,
)
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
        content = json.dumps({"schema": SCHEMA, **vars(self)}, indent=1, sort_keys=True, default=vars)
        return content.encode() + b"\n"

    @classmethod
    def from_json(cls, content: str) -> Record:
        """:raises ValueError, TypeError, KeyError, AttributeError: when it is no record of this schema."""
        raw = json.loads(content)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("its schema is another")
        slots = raw["slots"].items()
        record = cls(
            **{
                **raw,
                "ports": tuple(raw["ports"]),
                "slots": {name: _deployment(f"slot {name!r}", value) for name, value in slots},
                "transaction": _transaction(raw["transaction"]),
                "last": _result(raw["last"]),
            }
        )
        check("the record", record, _RECORD)
        _check_target(record)
        return record


_SLOT = one_of(None, *SLOTS)
_MOMENT: Mapping[str, Rule] = {"wall": seconds, "since_boot": seconds, "boot": text}
_DEPLOYMENT: Mapping[str, Rule] = {
    "registry_type": text,
    "identifier": text,
    "version": text,
    "release": text,
    "path": folder,
    "configuration": having(environment=mapping, credentials=texts, path=optional(text)),
    "configuration_digest": text,
    "offer": optional(having(eras=texts, tools=mapping)),
    "address": optional(text),
    "sha256": optional(text),
    "definition": optional(mapping),
    "files": optional(text),
}
_TRANSACTION: Mapping[str, Rule] = {
    "kind": one_of(*KINDS),
    "origin": _SLOT,
    # A removal has none.
    "target": one_of("", *SLOTS),
    "generation": count,
    "step": one_of(None, *STEPS),
    "reason": optional(text),
    "definition": optional(mapping),
}
_RESULT: Mapping[str, Rule] = {
    "kind": text,
    "outcome": text,
    "source": optional(text),
    "destination": optional(text),
    "reason": optional(text),
    "evidence": optional(text),
}
_RECORD: Mapping[str, Rule] = {
    "server": text,
    "ports": port_pair,
    "slots": lambda slots: set(slots) <= set(SLOTS),
    "active": _SLOT,
    "previous": _SLOT,
    "generation": count,
    "protected": boolean,
}


def _check_target(record: Record) -> None:
    """An update's target was given something, and so was a rollback's that was proven: until then a rollback
    finds out by itself. Neither leads to the slot that it comes from.

    :raises ValueError: when it is otherwise.
    """
    transaction = record.transaction
    if transaction is None or transaction.kind == "remove":
        return
    given = transaction.kind == "update" or transaction.reached("ready")
    if transaction.target not in (record.slots if given else SLOTS):
        raise ValueError(f"nothing is in the slot {transaction.target!r} of its {transaction.kind}")
    if transaction.target == transaction.origin:
        raise ValueError(f"its {transaction.kind} leads from {transaction.target} to itself")


def _moment(what: str, raw: Mapping[str, Any]) -> Moment:
    moment = Moment(**raw)
    check(what, moment, _MOMENT)
    return moment


def _moments(what: str, raw: Mapping[str, Any], *names: str) -> dict[str, Moment]:
    """Those of these moments that it has."""
    return {name: _moment(f"{name} of {what}", raw[name]) for name in names if raw.get(name) is not None}


def _transaction(raw: Mapping[str, Any] | None) -> Transaction | None:
    if raw is None:
        return None
    what = "what is under way"
    started = _moment(f"started of {what}", raw["started"])
    later = _moments(what, raw, "switched", "baked", "progressed")
    displaced = None if raw["displaced"] is None else _deployment("what was displaced", raw["displaced"])
    transaction = Transaction(**{**raw, **later, "started": started, "displaced": displaced})
    check(what, transaction, _TRANSACTION)
    return transaction


def _result(raw: Mapping[str, Any] | None) -> Result | None:
    if raw is None:
        return None
    what = "the last change"
    result = Result(**{**raw, "at": _moment(f"at of {what}", raw["at"])})
    check(what, result, _RESULT)
    return result


def _deployment(what: str, raw: Mapping[str, Any]) -> Deployment:
    deployment = Deployment(**{**raw, **_moments(what, raw, "activated")})
    check(what, deployment, _DEPLOYMENT)
    return deployment
