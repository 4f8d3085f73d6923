# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the artifacts of two closures differ, in lines that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .closure import Artifact

MOST = 40
"""Lines of which a list is shown in full."""


def moved(old: Iterable[Artifact], new: Iterable[Artifact]) -> list[str]:
    """A line for each package whose versions or hashes are others, by name; empty when all are the same."""
    before, after = _by_name(old), _by_name(new)
    lines = []
    for name in sorted({*before, *after}):
        had, has = before.get(name, {}), after.get(name, {})
        gone = [version for version in had if version not in has]
        come = [version for version in has if version not in had]
        if gone or come:
            lines.append(f"{name} {', '.join(gone) or '–'} → {', '.join(come) or '–'}")
        lines += [
            f"{name} {version}: {_hashes(had[version], has[version])}"
            for version in had
            if version in has and had[version] != has[version]
        ]
    return lines


def listed(lines: Sequence[str], most: int = MOST) -> list[str]:
    """The lines, or the first of them and how many more there are."""
    more = len(lines) - most
    return list(lines) if more <= 0 else [*lines[:most], f"and {more} more"]


def _by_name(artifacts: Iterable[Artifact]) -> dict[str, dict[str, frozenset[str]]]:
    """By name and version, the hashes; npm may have several versions of a package."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for artifact in sorted(artifacts):
        held = found.setdefault(artifact.name, {})
        held[artifact.version] = held.get(artifact.version, frozenset()) | frozenset(artifact.hashes)
    return found


def _hashes(old: frozenset[str], new: frozenset[str]) -> str:
    """An index that gets another file of an old version only adds hashes."""
    if old < new:
        return "hashes added"
    return "hashes removed" if new < old else "hashes changed"
