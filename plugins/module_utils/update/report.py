# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the updater tells its caller; it only grows while steps are done, so a failure has it too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..audit.line import Head
from ..contract.compare import Difference
from ..contract.offer import Offer
from ..eras.known import Known
from .drain import Drained


@dataclass
class Report:
    """``steps`` have a name, and seconds; the rest is there once it is known.

    ``offers`` are those that ``difference`` is between; ``unseen`` says why a look ahead did not find it out.
    ``artifacts`` are lines of how what it is made of differs, where its lock says that.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    switch_ms: float | None = None
    drained: Drained | None = None
    difference: Difference | None = None
    offers: tuple[Offer, Offer] | None = None
    artifacts: Sequence[str] | None = None
    unseen: str | None = None
    warnings: list[str] = field(default_factory=list)
    eras: Known | None = None
    rolled_back: bool = False
    reason: str | None = None
    audit: Head | None = None
    audit_problem: str | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; a failed one is there too, marked so."""
        started = time.monotonic()
        entry: dict[str, Any] = {"step": name}
        self.steps.append(entry)
        try:
            yield
        except BaseException:
            entry["failed"] = True
            raise
        finally:
            entry["seconds"] = round(time.monotonic() - started, 3)

    def compared(self, difference: Difference | None, old: Offer | None, new: Offer | None) -> None:
        """Keep how the new release's contract differs, and what it is between."""
        self.difference = difference
        self.offers = (old or Offer(), new) if new else None

    def to_json(self) -> dict[str, Any]:
        """Its part of a module's result."""
        return {
            "steps": self.steps,
            "switch_ms": self.switch_ms,
            "drained": None
            if self.drained is None
            else {
                "sessions_finished": self.drained.sessions - self.drained.cut_sessions,
                "sessions_cut": self.drained.cut_sessions,
                "requests_cut": self.drained.cut_requests,
                "seconds": round(self.drained.seconds, 3),
            },
            "contract": self.difference.to_json() if self.difference else None,
            "contract_problem": self.unseen,
            "artifacts": None if self.artifacts is None else list(self.artifacts),
            "eras_in_use": self.eras and self.eras.to_json(),
            "rolled_back": self.rolled_back,
            "reason": self.reason,
            "audit": {**(self.audit.to_json() if self.audit else {}), "problem": self.audit_problem},
        }
