# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must never be deleted, told apart from how the fleet keeps its records: in an operator's words."""

from __future__ import annotations

from dataclasses import dataclass, field

ALL = "*"


@dataclass
class Service:
    """One server as its operator sees it: ``runs`` now, ``back`` is where a rollback leads, ``trying`` what
    an unfinished change is about to run, ``spare`` what it takes back should that fail, ``left`` what it was
    rolled back from and still has at hand."""

    package: str
    runs: str | None = None
    back: str | None = None
    trying: str | None = None
    spare: str | None = None
    left: str | None = None
    lost: bool = False
    """Whether the fleet has lost what it knew of it."""

    def needs(self) -> set[str]:
        """Releases without which it could not go on or go back."""
        return {each for each in (self.runs, self.back, self.trying, self.spare, self.left) if each}


@dataclass
class Model:
    """``installed`` has the time at which each release came about; names are paths."""

    now: float = 1_000_000_000.0
    services: dict[str, Service] = field(default_factory=dict)
    installed: dict[str, float] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)

    def untouchable(self, min_age: float) -> set[str]:
        """All that no cleanup may delete, whatever it is told."""
        found = self.opened | self.mentioned
        for service in self.services.values():
            found = found | service.needs()
            if service.lost:
                found = found | {path for path, of in self.packages.items() if of == service.package}
        for path, at in self.installed.items():
            if self.now - at < min_age or self.names[path] in self.pinned or self.packages[path] in self.busy:
                found = found | {path}
        return found & self.installed.keys()
