# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a new release's contract may be taken, by how it differs from the one in service. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..contract.compare import Difference
from ..definition.server import UpdatePolicy

_SHOWN = 12


@dataclass(frozen=True)
class Ruling:
    """``problem`` and ``cure``: why the release is not taken (None: it is); ``warnings`` where it is."""

    problem: str | None = None
    cure: str = ""
    warnings: tuple[str, ...] = ()


def rule(difference: Difference, policy: UpdatePolicy) -> Ruling:
    """By the policy; a contract whose digest the owner has approved is taken, whatever has changed in it.

    A digest says nothing of resources. What is said anew of them is still told, and stops nothing any more.
    """
    if difference.digest in policy.approved:
        return _told(difference.of_resources)
    approve = f"after a review add {difference.digest} to update.approved"
    if difference.breaking and policy.on_breaking == "stop":
        return Ruling(
            f"it breaks what clients rely on: {several(difference.breaking)}",
            f"Keep the version in service, or approve the new contract: {approve}.",
        )
    said = difference.described
    if not said:
        return Ruling()
    if policy.on_description == "stop":
        return Ruling(
            f"what a model reads of it has changed: {several(said)}",
            f"Read the new descriptions (--check --diff shows them); {approve}.",
        )
    return _told(said)


def _told(said: tuple[str, ...]) -> Ruling:
    read = "what a model reads of it has changed, so read it as you would read code"
    return Ruling(warnings=(f"{read}: {several(said)}",) if said else ())


def several(sentences: tuple[str, ...]) -> str:
    """The first of them on one line, and how many more there are."""
    shown = "; ".join(sentences[:_SHOWN])
    return shown + (f"; and {len(sentences) - _SHOWN} more" if len(sentences) > _SHOWN else "")
