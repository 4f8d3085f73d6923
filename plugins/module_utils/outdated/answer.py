# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry says of a package, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .versions import newest


class NotChecked(Exception):
    """The registry could not be asked; the text says why."""


@dataclass(frozen=True)
class Published:
    """One version: when it was published (ISO 8601; None: not said), and the publisher's words where it is
    withdrawn (yanked, unpublished) or deprecated."""

    version: str
    at: str | None = None
    withdrawn: str | None = None
    deprecated: str | None = None


@dataclass(frozen=True)
class Answer:
    """All versions of a package. ``notice`` is what the registry says of the package as a whole."""

    registry_type: str
    versions: Mapping[str, Published] = field(default_factory=dict)
    notice: str | None = None

    def of(self, version: str) -> Published:
        """What is said of one version; one that is not there any more is withdrawn."""
        return self.versions.get(version) or Published(version, withdrawn="the registry does not have it")

    def newest(self, stable: bool) -> str | None:
        """The newest version that is not withdrawn."""
        kept = [version for version, said in self.versions.items() if said.withdrawn is None]
        return newest(self.registry_type, kept, stable)
