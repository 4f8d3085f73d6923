# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a release: whether there is room for them, and that nobody changes them any more."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from .package import Package

ROOM_BYTES = 200 * 2**20
ROOM_INODES = 5000
"""Measured: servers take 10 to 60 MB, up to 4,500 files and folders, and the cache as much again."""

STARVED_BYTES = 256 * 1024
STARVED_INODES = 16


def _free(path: Path) -> tuple[int, int | None]:
    """Bytes and inodes that are free where ``path`` is or will be; None where inodes are not limited."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    figures = os.statvfs(place)
    return figures.f_bavail * figures.f_frsize, figures.f_favail if figures.f_files else None


def room(path: Path) -> int:
    """Bytes that are free where ``path`` is or will be."""
    return _free(path)[0]


def require_room(package: Package, *folders: Path, more: int = 0) -> None:
    """Raise FleetError when one of the folders is on a filesystem that has not enough room to begin with.

    :param more: bytes that are needed besides.
    """
    needed = ROOM_BYTES + more
    for folder in folders:
        space, inodes = _free(folder)
        lacks = []
        if space < needed:
            lacks.append(f"{space / 2**20:.0f} MB free, {needed // 2**20} MB needed")
        if inodes is not None and inodes < ROOM_INODES:
            lacks.append(f"{inodes} inodes free, {ROOM_INODES} needed")
        if lacks:
            raise FleetError(
                f"install {package}",
                f"the disk has no room: {folder} has {' and '.join(lacks)}",
                "Free space there, or move the folder to a larger filesystem.",
            )


def starved(*folders: Path) -> bool:
    """Whether one of the folders has practically no room left: npm does not always say that it was that."""
    for folder in folders:
        space, inodes = _free(folder)
        if space < STARVED_BYTES or (inodes is not None and inodes < STARVED_INODES):
            return True
    return False


def seal(effects: Effects, path: Path) -> tuple[int, int]:
    """Take write permission away from all below ``path``; returns bytes and number of regular files.

    The directory itself stays writable, for the manifest.
    """
    return effects.act("seal", str(path), lambda: _seal(path))


def _seal(path: Path) -> tuple[int, int]:
    size = count = 0
    for folder, names, files in os.walk(path, topdown=False):
        for name in files:
            place = os.path.join(folder, name)
            status = os.lstat(place)
            if stat.S_ISREG(status.st_mode):
                size += status.st_size
                count += 1
                if status.st_mode & 0o222:
                    os.chmod(place, stat.S_IMODE(status.st_mode) & ~0o222)
        for name in names:
            place = os.path.join(folder, name)
            if not os.path.islink(place):
                os.chmod(place, stat.S_IMODE(os.lstat(place).st_mode) & ~0o222)
    return size, count


def set_writable(effects: Effects, path: Path, writable: bool) -> None:
    """Give or take write permission on one directory."""
    mode = 0o755 if writable else 0o555
    effects.act("chmod", str(path), lambda: path.chmod(mode))
