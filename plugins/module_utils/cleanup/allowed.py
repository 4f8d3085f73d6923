# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an item is, and whether it may go now: protection, change windows and freezes."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..journal.record import Record
from ..protection.permit import Change, Permit, permit
from ..protection.rules import Rules
from ..retention.claims import owners_of
from ..retention.decide import Decision
from ..retention.policy import Policies
from ..retention.scene import Item

NOBODY = ""
"""In place of a server, for what is of none: a package cache, a backup, what no server has any more."""

HELD = ("protected", "closed")
"""Rules by which something stays: its server is protected, and nothing approves it; it is no time for it."""


class Allowed:
    """What may be deleted at one moment.

    :param policies: what the inventory says of servers, besides what is on record.
    :param now: Unix time in seconds.
    """

    def __init__(self, records: Iterable[Record], policies: Policies, rules: Rules, now: float) -> None:
        records = tuple(records)
        self._owners = owners_of(records, policies.packages)
        self._protected = policies.protected | {record.server for record in records if record.protected}
        self._rules = rules
        self._now = datetime.fromtimestamp(now, timezone.utc)
        self._permit = functools.lru_cache(maxsize=None)(self._decide)

    def owners(self, item: Item) -> tuple[str, ...]:
        """The servers that lose something with an item."""
        if item.kind == "log":
            return (item.group,)
        found = () if item.kind in ("cache", "backup") else self._owners.get(item.group, ())
        return tuple(sorted(found)) or (NOBODY,)

    def basis(self, server: str) -> dict[str, Any]:
        """What allows that a server loses something, for the record."""
        return self._permit(server).basis

    def held(self, servers: Iterable[str]) -> tuple[str, str] | None:
        """Which rule keeps what is of these servers, and why; None: it may go."""
        for server in servers:
            found = self._permit(server)
            if found.refusal:
                rule = HELD[0] if found.basis.get("lacking") else HELD[1]
                return rule, f"{server}: {found.refusal.came_back}" if server else found.refusal.came_back
        return None

    def checked(self, decisions: Iterable[Decision]) -> tuple[Decision, ...]:
        """The decisions, of which those that are not allowed keep."""
        found = []
        for decision in decisions:
            held = self.held(self.owners(decision.item)) if decision.delete else None
            found.append(replace(decision, delete=False, rule=held[0], why=held[1]) if held else decision)
        return tuple(found)

    def advice(self, servers: Iterable[str]) -> list[str]:
        """How what is kept of these servers can go; what is only a matter of time is said once."""
        found = []
        for server in sorted(set(servers)):
            lacking = self._permit(server).basis.get("lacking")
            refusal = self._permit(server if lacking else NOBODY).refusal
            found += [str(refusal)] if refusal else []
        return list(dict.fromkeys(found))

    def _decide(self, server: str) -> Permit:
        text = "delete what it needs no more" if server else "delete what is needed no more"
        change = Change(server, text, kind="cleanup")
        return permit([change], server in self._protected, self._rules, self._now)
