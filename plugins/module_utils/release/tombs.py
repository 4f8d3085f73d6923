# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting in two steps: out of the way in one, then file by file, never through a link or a mount.

What is moved below ``.tombstones`` is nobody's any more; a run that is killed leaves it to the next.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError, refused

FOLDER = ".tombstones"

_BELOW, _AGAIN = ",", ";"
"""In a tombstone's name, for ``/`` and before a number that tells two of the same place apart."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Erased:
    """Bytes of files that had no other name, how many things are gone, and what stayed and why."""

    size: int = 0
    removed: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def mounts() -> frozenset[str]:
    """Where something is mounted (proc(5), mountinfo), bind mounts of the same filesystem included."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        fields = (line.split(" ", 5) for line in stream)
        return frozenset(_unescaped(each[4]) for each in fields if len(each) > 4)


def mounted_within(path: str, points: frozenset[str]) -> str | None:
    """A mount at or below a path."""
    real = os.path.realpath(path)
    return next((point for point in sorted(points) if point == real or point.startswith(f"{real}/")), None)


class Tombs:
    """The tombstones of one folder of the fleet's."""

    def __init__(self, effects: Effects, root: Path) -> None:
        self._effects = effects
        self._root = root
        self.folder = root / FOLDER

    def waiting(self) -> list[Path]:
        """What was moved away and is still there."""
        try:
            return sorted(self.folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def origin(self, tomb: Path) -> Path:
        """Where it stood."""
        return self._root / tomb.name.partition(_AGAIN)[0].replace(_BELOW, "/")

    def bury(self, path: Path) -> Path:
        """Move ``path`` away in one step.

        :raises FleetError: when it is not plainly below the root, is a link, or is or holds a mount.
        """
        tried = f"move {path} to its tombstone"
        parts = path.relative_to(self._root).parts
        mount = mounted_within(str(path), mounts())
        if mount:
            raise FleetError(tried, f"{mount} is a mount", "Unmount it, then run it again.")
        if not parts or parts[0] == FOLDER or any(_BELOW in part or _AGAIN in part for part in parts):
            raise FleetError(tried, "it is not named as the fleet names things", "Remove it by hand.")
        self._effects.make_directory(self.folder, 0o700)
        tomb = self._free(_BELOW.join(parts))
        self._move(tried, path, parts, tomb)
        return tomb

    def restore(self, tomb: Path) -> bool:
        """Put it back where it stood; False when something else stands there by now."""
        place = self.origin(tomb)
        if place.is_symlink() or place.exists() or not place.parent.is_dir():
            return False
        self._effects.rename(tomb, place)
        return True

    def erase(self, tomb: Path, last: str = "") -> Erased:
        """Delete what was moved away; what it could not is left, and the next run tries again.

        :param last: the file that goes first, without which nobody takes the rest for whole.
        """
        done = Erased()
        base = os.open(self.folder, _DIRECTORY)
        try:
            if last:
                self._unlink_first(tomb, last)
            _Eraser(self._effects, done, os.fstat(base).st_dev, mounts()).remove(base, tomb.name, str(tomb))
        except OSError as error:
            done.left.append((str(tomb), str(error.strerror or error)))
        finally:
            os.close(base)
        return done

    def _unlink_first(self, tomb: Path, name: str) -> None:
        if tomb.is_symlink() or not (tomb / name).is_file():
            return
        self._effects.act("chmod", str(tomb), lambda: tomb.chmod(0o755))
        self._effects.remove_file(tomb / name)

    def _free(self, name: str) -> Path:
        number = 1
        tomb = self.folder / name
        while tomb.is_symlink() or tomb.exists():
            number += 1
            tomb = self.folder / f"{name}{_AGAIN}{number}"
        return tomb

    def _move(self, tried: str, path: Path, parts: tuple[str, ...], tomb: Path) -> None:
        """Rename by descriptors: each folder on the way is a real one, and none was put in its place."""
        descriptors = [os.open(self._root, _DIRECTORY)]
        try:
            device = os.fstat(descriptors[0]).st_dev
            descriptors += [os.open(FOLDER, _DIRECTORY, dir_fd=descriptors[0])]
            parent = descriptors[0]
            for part in parts[:-1]:
                parent = os.open(part, _DIRECTORY, dir_fd=parent)
                descriptors.append(parent)
            status = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode) or status.st_dev != device:
                what = "a link" if stat.S_ISLNK(status.st_mode) else "on another filesystem"
                raise FleetError(tried, f"it is {what}", "Look who put it there; it was left.")
            if stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_IWUSR:
                # A folder that goes to another parent has its entry ".." written.
                mode = stat.S_IMODE(status.st_mode) | stat.S_IWUSR
                self._effects.act("chmod", str(path), lambda: os.chmod(parts[-1], mode, dir_fd=parent))
            self._effects.act(
                "rename",
                f"{path} -> {tomb}",
                lambda: os.rename(parts[-1], tomb.name, src_dir_fd=parent, dst_dir_fd=descriptors[1]),
            )
            for descriptor in (descriptors[1], parent):
                self._effects.act("fsync", str(tomb), functools.partial(os.fsync, descriptor))
        except OSError as error:
            raise refused(tried, error) from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


@dataclass
class _Emptied:
    """A folder that is being emptied: its entries that are still to go, and how much had been left before."""

    name: str
    shown: str
    status: os.stat_result
    entries: list[str]
    left: int


class _Eraser:
    """Deletes by descriptors, without following links, within one filesystem.

    Folders may be in folders without end: there is one descriptor for all that are being emptied.
    """

    def __init__(self, effects: Effects, done: Erased, device: int, points: frozenset[str]) -> None:
        self._effects = effects
        self._done = done
        self._device = device
        self._points = points
        self._shown, self._real = "", ""

    def remove(self, parent: int, name: str, shown: str) -> None:
        """Remove one entry of a folder with all below it; what has to stay is noted, and the rest goes."""
        self._shown = os.path.dirname(shown)
        self._real = os.path.realpath(self._shown)
        above = [_Emptied("", self._shown, os.fstat(parent), [name], 0)]
        here = os.dup(parent)
        try:
            while True:
                folder = above[-1]
                if folder.entries:
                    each = folder.entries.pop()
                    inner = self._remove(here, each, f"{folder.shown}/{each}")
                    if inner:
                        os.close(here)
                        here = inner[0]
                        above.append(inner[1])
                    continue
                above.pop()
                if not above:
                    return
                outer = _parent(here, above[-1])
                os.close(here)
                here = outer
                if len(self._done.left) == folder.left:
                    self._try("rmdir", folder.shown, functools.partial(os.rmdir, folder.name, dir_fd=here))
        finally:
            os.close(here)

    def _remove(self, parent: int, name: str, shown: str) -> tuple[int, _Emptied] | None:
        """Remove an entry; a folder is opened instead, to be emptied first."""
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if status.st_dev != self._device or self._real + shown[len(self._shown) :] in self._points:
            self._leave(shown, "it is a mount")
        elif stat.S_ISDIR(status.st_mode):
            return self._entered(parent, name, shown)
        else:
            gone = self._try("unlink", shown, lambda: os.unlink(name, dir_fd=parent))
            only = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
            self._done.size += status.st_size if gone and only else 0
        return None

    def _entered(self, parent: int, name: str, shown: str) -> tuple[int, _Emptied] | None:
        try:
            folder = os.open(name, _DIRECTORY, dir_fd=parent)
        except OSError as error:
            self._leave(shown, str(error.strerror))
            return None
        inner = None
        try:
            inner = self._opened(folder, name, shown)
        except OSError as error:
            self._leave(shown, str(error.strerror))
        finally:
            if inner is None:
                os.close(folder)
        return (folder, inner) if inner else None

    def _opened(self, folder: int, name: str, shown: str) -> _Emptied | None:
        status = os.fstat(folder)
        if status.st_dev != self._device:
            self._leave(shown, "it is a mount")
            return None
        if status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            mode = stat.S_IMODE(status.st_mode) | stat.S_IRWXU
            self._effects.act("chmod", shown, lambda: os.fchmod(folder, mode))
        return _Emptied(name, shown, status, sorted(os.listdir(folder), reverse=True), len(self._done.left))

    def _try(self, act: str, shown: str, function: Callable[[], None]) -> bool:
        try:
            self._effects.act(act, shown, function)
        except FileNotFoundError:
            return True
        except OSError as error:
            busy = error.errno == errno.EBUSY
            return self._leave(shown, "it is a mount" if busy else str(error.strerror or error))
        self._done.removed += 1
        return True

    def _leave(self, shown: str, why: str) -> bool:
        self._done.left.append((shown, why))
        return False


def _parent(folder: int, expected: _Emptied) -> int:
    """The folder that an open one is in. :raises OSError: when it was reached by another."""
    parent = os.open("..", _DIRECTORY, dir_fd=folder)
    if not os.path.samestat(os.fstat(parent), expected.status):
        os.close(parent)
        raise OSError(errno.ESTALE, "it was moved while it was being removed", expected.shown)
    return parent


def _unescaped(text: str) -> str:
    """mountinfo writes blanks and the like as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
