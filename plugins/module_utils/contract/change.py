# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One difference between two contracts, with the reason for its weight."""

from __future__ import annotations

from dataclasses import dataclass

DESCRIBED, COMPATIBLE, BREAKING = "described differently", "compatible", "breaking"
WEIGHTS = (DESCRIBED, COMPATIBLE, BREAKING)
"""From light to heavy."""

ADDED, REMOVED, CHANGED = "+", "-", "~"


@dataclass(frozen=True)
class Change:
    """``item`` is what it is about (``tool echo``), ``mark`` whether that is new, gone or another, ``weight``
    one of WEIGHTS, ``reason`` a sentence about the item."""

    item: str
    mark: str
    weight: str
    reason: str

    @property
    def of_resource(self) -> bool:
        """Whether it is about a resource: they come and go while a server runs."""
        return self.item.startswith("resource ") and not self.item.startswith("resource template ")

    def line(self) -> str:
        """``tool echo is gone``, ``tool echo: argument x is required now``."""
        return f"{self.item}{' ' if self.reason.startswith('is ') else ': '}{self.reason}"

    def to_json(self) -> dict[str, str]:
        """As a module's result has it."""
        return {"item": self.item, "weight": self.weight, "reason": self.reason}
