# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts of a cleanup on files: move away, look again, put back, delete.

Nothing is deleted before it was moved to a tombstone, where nobody can begin to use it, and then was still
used by nobody.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FleetError
from ..release import manifest, tree
from ..release.locking import CACHE_LOCK, held
from ..retention.scene import Item
from ..update.host import Host
from .look import Sight
from .opened import opened
from .outcome import Outcome
from .places import Places


class Remover:
    """Acts by what was seen, and writes down in the outcome what became of it."""

    def __init__(self, host: Host, places: Places, sight: Sight, outcome: Outcome) -> None:
        self._host = host
        self._places = places
        self._sight = sight
        self._outcome = outcome

    def bury(self) -> list[Path]:
        """Move away what may go, while the locks of its servers are held; gives what may be erased."""
        for tomb in self._sight.back:
            self._put_back(tomb)
        return self._unused([*self._sight.buried, *self._moved()])

    def erase(self, tomb: Path) -> None:
        """Delete what was moved away."""
        root = tomb.parent.parent
        tombs = self._places.tombs(root)
        path = str(tomb if tomb in self._sight.buried else tombs.origin(tomb))
        erased = tombs.erase(tomb, manifest.NAME if root == self._host.layout.releases else "")
        self._outcome.left += erased.left
        if erased.removed:
            self._outcome.freed[path] = erased.size

    def _moved(self) -> list[Path]:
        tombs = []
        for decision in self._sight.decisions:
            if decision.delete:
                try:
                    tombs.append(self._move(decision.item))
                except FleetError as error:
                    self._outcome.left.append((decision.item.path, error.came_back))
        return tombs

    def _move(self, item: Item) -> Path:
        layout, path = self._host.layout, Path(item.path)
        root = self._places.root_of(item.path)
        if root == layout.releases:
            return self._host.releases.bury(item.group, path)
        if root == layout.cache:
            with held(self._host.effects, root / CACHE_LOCK, 0, f"remove {path}"):
                return self._places.tombs(root).bury(path)
        return self._places.tombs(root).bury(path)

    def _unused(self, tombs: list[Path]) -> list[Path]:
        """Put back what somebody began to use before it was moved; after that nobody can."""
        seen = opened(self._places.roots(), [])
        rest = []
        for tomb in tombs:
            root = tomb.parent.parent
            origin = self._places.tombs(root).origin(tomb)
            paths = (os.path.relpath(tomb, root), os.path.relpath(origin, root))
            if tomb not in self._sight.buried and any(seen.user(root, path) for path in paths):
                self._put_back(tomb)
            else:
                rest.append(tomb)
        return rest

    def _put_back(self, tomb: Path) -> None:
        tombs = self._places.tombs(tomb.parent.parent)
        origin = tombs.origin(tomb)
        if tombs.restore(tomb):
            if (origin / manifest.NAME).is_file():
                tree.set_writable(self._host.effects, origin, False)
            self._outcome.left.append((str(origin), "it is in use, and was put back"))
        else:
            self._outcome.left.append((str(tomb), f"it is in use, and {origin} is there anew"))
