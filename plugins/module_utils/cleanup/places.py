# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders that a cleanup deletes in, each with its tombstones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..release.tombs import Tombs
from ..retention.scene import Item
from ..update.host import Host
from .ground import backups
from .inventory import server_of_log


class Places:
    """The folders of one host."""

    def __init__(self, host: Host) -> None:
        self._layout = host.layout
        self._tombs: Mapping[Path, Tombs] = {
            host.layout.releases: host.releases.tombs,
            **{
                path: Tombs(host.effects, path)
                for path in (host.layout.cache, host.layout.logs, backups(host.layout))
            },
        }

    def roots(self) -> list[Path]:
        """The folders themselves."""
        return [*self._tombs]

    def root_of(self, path: str) -> Path:
        """In which of them something stands."""
        return next(root for root in self._tombs if path.startswith(f"{root}/"))

    def tombs(self, root: Path) -> Tombs:
        """The tombstones of one of them."""
        return self._tombs[root]

    def waiting(self) -> Iterator[tuple[Path, Path]]:
        """Tombstones that an earlier run left, each after its folder."""
        for root, tombs in self._tombs.items():
            for tomb in tombs.waiting():
                yield root, tomb

    def buried(self, root: Path, tomb: Path) -> Item:
        """What a tombstone was."""
        origin = self._tombs[root].origin(tomb)
        if root == self._layout.releases:
            return Item(
                "release", str(origin), os.path.dirname(os.path.relpath(origin, root)), origin.name, None
            )
        if root == self._layout.logs:
            return Item("log", str(origin), server_of_log(origin.name) or origin.name, origin.name, None)
        kind = "cache" if root == self._layout.cache else "backup"
        return Item(kind, str(origin), origin.name, origin.name, None)
