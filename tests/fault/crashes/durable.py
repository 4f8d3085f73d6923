# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power loss: what was not made durable is gone, in any combination that a filesystem may choose.

A file's content is durable after its fsync, a name (create, rename, remove, link) after the fsync of its
folder; all of it after syncfs. What commands wrote is durable only by syncfs.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .effects import Killing

T = TypeVar("T")


@dataclass(frozen=True)
class _Name:
    """What a name led to before it was changed: a file's content, a link's target, or nothing."""

    path: Path
    content: bytes | None
    link: str | None
    mode: int

    @classmethod
    def now(cls, path: Path) -> _Name:
        if path.is_symlink():
            return cls(path, None, os.readlink(path), 0)
        if path.is_file():
            return cls(path, path.read_bytes(), None, path.stat().st_mode & 0o777)
        return cls(path, None, None, 0)

    def restore(self) -> None:
        """Make it as it was."""
        if self.path.is_symlink() or self.path.is_file():
            self.path.unlink()
        if self.path.is_dir() or not self.path.parent.is_dir():
            return
        if self.link is not None:
            self.path.symlink_to(self.link)
        elif self.content is not None:
            self.path.write_bytes(self.content)
            self.path.chmod(self.mode)


class PowerLoss(Killing):
    """Before the act ``at``: undo what is not durable (each piece or not, by chance), then kill the module.

    :param trees: folders into which commands write.
    """

    def __init__(self, log: Path, at: int, trees: list[Path], seed: int) -> None:
        super().__init__(log, at)
        self._trees = trees
        self._chance = random.Random(seed)
        self._names: list[tuple[Path, _Name]] = []
        self._made: list[Path] = []
        self._synced = _inventory(trees)

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform an act, keeping what it replaces until that is durable."""
        paths = [Path(part) for part in target.split(" -> ")]
        if name in ("rename", "unlink", "symlink"):
            self._names += [(path.parent, _Name.now(path)) for path in paths]
        if name == "mkdir":
            self._made.append(paths[0])
        result = super().act(name, target, function)
        if name == "fsync" and paths[0].is_dir():
            self._names = [entry for entry in self._names if entry[0] != paths[0]]
            self._made = [path for path in self._made if path.parent != paths[0]]
        if name == "fsync":
            self._synced.add(paths[0])
        if name == "syncfs":
            self._names, self._made = [], []
            self._synced = _inventory(self._trees)
        return result

    def before(self, name: str, target: str) -> None:
        """Lose what may be lost, then die."""
        if self.count == self._at:
            self._lose()
        super().before(name, target)

    def _lose(self) -> None:
        for _folder, was in reversed(self._names):
            if self._chance.random() < 0.5:
                was.restore()
        for path in reversed(self._made):
            if self._chance.random() < 0.5:
                shutil.rmtree(path, ignore_errors=True)
        for path in _inventory(self._trees) - self._synced:
            if self._chance.random() < 0.2 and path.is_file() and not path.is_symlink():
                path.chmod(0o600)
                with path.open("r+b") as stream:
                    stream.truncate(path.stat().st_size // 2 if self._chance.random() < 0.5 else 0)


def _inventory(trees: list[Path]) -> set[Path]:
    return {Path(folder, name) for tree in trees for folder, _names, files in os.walk(tree) for name in files}
