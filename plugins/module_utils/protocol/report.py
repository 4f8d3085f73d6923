# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODERN = "modern"
LEGACY = "legacy"
ERAS = (MODERN, LEGACY)

SERVED = "served"
NOT_SERVED = "not_served"
INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class CallResult:
    """How one tool call ended: the JSON-RPC result object, or an error as text; ``seconds`` it took."""

    tool: str
    result: Mapping[str, Any] | None = field(repr=False)
    error: str | None
    seconds: float


@dataclass(frozen=True)
class EraProbe:
    """What came back in one era.

    ``outcome`` is ``served``, ``not_served`` or ``inconclusive``: an outage is never an era, so whatever
    could be one, or could not be read to the end, is inconclusive. ``detail`` says in a sentence what came
    back. ``opening_seconds`` is the time to the first reply, connecting or starting included.
    """

    era: str
    outcome: str
    detail: str
    protocol_version: str | None = None
    server_info: Mapping[str, Any] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict, repr=False)
    instructions: str | None = field(default=None, repr=False)
    tools: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    prompts: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    resources: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    resource_templates: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    calls: tuple[CallResult, ...] = ()
    opening_seconds: float | None = None


@dataclass(frozen=True)
class ProbeReport:
    """What came back in both eras; ``asked`` names those that were probed at all."""

    modern: EraProbe
    legacy: EraProbe
    asked: tuple[str, ...] = ERAS

    @property
    def served(self) -> tuple[str, ...]:
        """The eras that are served."""
        return tuple(probe.era for probe in (self.modern, self.legacy) if probe.outcome == SERVED)

    @property
    def era(self) -> str | None:
        """``modern``, ``legacy``, ``dual``, or None when none is served."""
        if len(self.served) == 2:
            return "dual"
        return self.served[0] if self.served else None

    @property
    def best(self) -> EraProbe:
        """The probe to read the server's offer from."""
        return self.modern if self.modern.outcome == SERVED else self.legacy

    @property
    def conclusive(self) -> bool:
        """Whether every era that was asked about has an answer."""
        return all(getattr(self, era).outcome != INCONCLUSIVE for era in self.asked)

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.era or 'no era'}: " + "; ".join(
            f"{era} {getattr(self, era).outcome.replace('_', ' ')} ({getattr(self, era).detail})"
            for era in self.asked
        )
