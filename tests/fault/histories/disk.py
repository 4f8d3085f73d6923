# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a folder would outlive a power loss: only what was synced, and of the rest any part, in any order.

A file's content is durable once it was fsynced, its name once its folder was (POSIX promises no more). What
was changed past the seam of ``Effects`` is found by comparison, so a forgotten fsync cannot hide.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """What stands under a name: a folder, a link to ``link``, or the file with this inode."""

    kind: str
    mode: int = 0
    inode: int = 0
    link: str = ""


class Disk:
    """Watches the acts of one host below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._names: dict[str, dict[str, Entry]] = {}
        self._contents: dict[int, bytes] = {}
        self._begun: dict[str, str] = {}
        self.sync()

    def acted(self, act: str, target: str, result: Any) -> None:
        """Take note of an act of ``Effects`` that was done."""
        if act == "create" and isinstance(result, tuple):
            self._begun[target] = result[1]
        elif act == "fsync":
            temporary = self._begun.get(target)
            if temporary is not None:
                self._sync_file(temporary)
            else:
                self._sync_folder(target)
        elif act == "rename":
            self._begun.pop(target, None)
        elif act == "append":
            self._sync_file(target)
        elif act == "mkdir":
            self._names[target] = {}
        elif act == "syncfs":
            self.sync(target)

    def temporaries(self) -> dict[str, bytes]:
        """Files that are being written; a killed process leaves them where they are."""
        return {path: Path(path).read_bytes() for path in self._begun.values() if os.path.exists(path)}

    def killed(self, temporaries: dict[str, bytes]) -> None:
        """Put back what a killed process would not have tidied up."""
        for path, data in temporaries.items():
            if os.path.isdir(os.path.dirname(path)):
                Path(path).write_bytes(data)
        self._begun.clear()

    def sync(self, path: str | None = None) -> None:
        """Make all below a folder durable."""
        for folder, _folders, files in os.walk(path or self._root):
            for name in files:
                self._sync_file(os.path.join(folder, name))
            self._sync_folder(folder)

    def lose_power(self, kept: Callable[[], bool]) -> None:
        """Drop what was not synced; ``kept`` is asked for each change whether it happened to be written."""
        self._restore(self._root, kept)
        self._begun.clear()
        self.sync()

    def _sync_file(self, path: str) -> None:
        if not os.path.islink(path):
            with open(path, "rb") as stream:
                self._contents[os.fstat(stream.fileno()).st_ino] = stream.read()

    def _sync_folder(self, path: str) -> None:
        self._names[path] = _entries(path)

    def _restore(self, folder: str, kept: Callable[[], bool]) -> None:
        durable, present = self._names.get(folder, {}), _entries(folder)
        for name in sorted(durable.keys() | present.keys()):
            path, before, after = os.path.join(folder, name), durable.get(name), present.get(name)
            if before != after and not kept():
                _remove(path)
                self._put_back(path, before)
            elif after and after.kind == "file" and after.inode not in self._contents:
                Path(path).write_bytes(b"")
            if os.path.isdir(path) and not os.path.islink(path):
                self._restore(path, kept)

    def _put_back(self, path: str, entry: Entry | None) -> None:
        if entry is None:
            return
        if entry.kind == "link":
            os.symlink(entry.link, path)
        elif entry.kind == "folder":
            os.mkdir(path)
        else:
            Path(path).write_bytes(self._contents.get(entry.inode, b""))
            os.chmod(path, entry.mode)


def _entries(folder: str) -> dict[str, Entry]:
    if not os.path.isdir(folder):
        return {}
    with os.scandir(folder) as found:
        return {item.name: _entry(item) for item in found}


def _entry(item: os.DirEntry[str]) -> Entry:
    if item.is_symlink():
        return Entry("link", link=os.readlink(item.path))
    if item.is_dir():
        return Entry("folder")
    about = item.stat()
    return Entry("file", stat.S_IMODE(about.st_mode), about.st_ino)


def _remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)
