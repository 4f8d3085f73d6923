# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether changes of a server may happen now; decided from what is given, with no look at the host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import FleetError
from .rules import KINDS, Rules
from .windows import next_opening, shut


@dataclass(frozen=True)
class Change:
    """A change of a server: to a ``version`` of it, or one of ``KINDS``; ``text`` says it in words.

    ``guarded``: it changes something that may be protected (a first deployment does not); ``timed``: windows
    and freezes count for it.
    """

    server: str
    text: str
    version: str | None = None
    kind: str | None = None
    guarded: bool = True
    timed: bool = True

    def __post_init__(self) -> None:
        if (self.version is None) == (self.kind is None) or self.kind not in (None, *KINDS):
            raise ValueError("a change has a version, or is one of the kinds")

    @property
    def approval(self) -> str:
        """What approves it."""
        return f"{self.server}@{self.version}" if self.kind is None else f"{self.server}:{self.kind}"


@dataclass(frozen=True)
class Permit:
    """``refusal``: why the changes may not happen; None: they may. ``basis``: what allows them, on record."""

    refusal: FleetError | None
    basis: dict[str, Any]


def permit(changes: Sequence[Change], protected: bool, rules: Rules, now: datetime) -> Permit:
    """Decide about all changes that a run wants to make of one server.

    :param now: a point in time with its zone.
    """
    wanted = [change.approval for change in changes if protected and change.guarded]
    missing = [approval for approval in wanted if approval not in rules.approvals]
    closed = shut(rules.windows, now) if any(change.timed for change in changes) else None
    basis: dict[str, Any] = {}
    if wanted:
        basis["approvals"] = [approval for approval in wanted if approval in rules.approvals]
        basis["lacking"] = missing
    if closed:
        basis["closed"] = closed
        basis["emergency"] = rules.emergency
    reasons, cures = [], []
    if missing:
        reasons.append("the server is protected, and nothing approves this change")
        cures.append(f"Approve it: -e '{json.dumps({'mcp_approve': missing})}'")
    if closed and not rules.emergency:
        reasons.append(closed)
        cures.append(_wait(rules, now))
    if not reasons:
        return Permit(None, basis)
    tried = " and ".join(dict.fromkeys(change.text for change in changes))
    refusal = FleetError(tried, "; ".join(reasons), " ".join(f"{cure}." for cure in cures), changes[0].server)
    return Permit(refusal, basis)


def _wait(rules: Rules, now: datetime) -> str:
    opening = next_opening(rules.windows, now)
    when = (
        f"again at {opening:%Y-%m-%d %H:%M} UTC"
        if opening
        else "not within a year, as mcp_windows is written"
    )
    override = """-e '{"mcp_emergency": "why"}'"""
    return f"Changes are allowed {when}; if it cannot wait, say why: {override}"
