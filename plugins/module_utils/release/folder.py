# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of the controller as one archive: the same files give the same bytes, whoever owns them."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import FleetError

TOP = "content"
"""The folder in the archive in which all is."""

LEFT_OUT = frozenset((".git", ".hg", ".svn", ".venv", "__pycache__", ".DS_Store"))
"""What a working copy has and no server needs; ``node_modules`` is made anew where there is a lock."""


class _Hashing(io.RawIOBase):
    """Passes on what is written, and its hash."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self.digest = hashlib.sha256()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.digest.update(piece)
        if self._stream is not None:
            self._stream.write(piece)
        return len(piece)


def pack(folder: Path, stream: IO[bytes] | None) -> str:
    """Write a folder as a plain tar; returns its sha256 (hex).

    Names, contents, links and the permission to execute count; times, owners and other permissions don't.

    :param stream: None: only the hash is wanted.
    :raises FleetError: for what cannot be shipped: a socket, a link that leads out, a file that changes.
    """
    output = _Hashing(stream)
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as packed:
        for path, name in _walked(folder, without_modules=(folder / "package-lock.json").is_file()):
            _add(packed, folder, path, f"{TOP}/{name}")
    return output.digest.hexdigest()


def _walked(folder: Path, without_modules: bool) -> Iterator[tuple[Path, str]]:
    left_out = LEFT_OUT | ({"node_modules"} if without_modules else frozenset())
    pending = [("", folder)]
    while pending:
        above, current = pending.pop()
        for entry in sorted(os.scandir(current), key=lambda each: os.fsencode(each.name)):
            if entry.name in left_out or entry.name.endswith(".pyc"):
                continue
            name = f"{above}{entry.name}"
            yield Path(entry.path), name
            if entry.is_dir(follow_symlinks=False):
                pending.append((f"{name}/", Path(entry.path)))


def _add(packed: tarfile.TarFile, folder: Path, path: Path, name: str) -> None:
    status = path.lstat()
    member = tarfile.TarInfo(name)
    member.mode = 0o755 if status.st_mode & 0o100 else 0o644
    if stat.S_ISDIR(status.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        packed.addfile(member)
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        packed.addfile(member)
    elif stat.S_ISREG(status.st_mode):
        member.size = status.st_size
        with path.open("rb") as content:
            try:
                packed.addfile(member, content)
            except OSError as error:
                raise _unfit(folder, name, f"changed while it was read ({error})") from error
    else:
        raise _unfit(folder, name, "is no file, folder or link")


def _unfit(folder: Path, name: str, why: str) -> FleetError:
    return FleetError(
        f"pack the folder {folder}",
        f"{name.partition('/')[2]} in it {why}",
        "Take it out of the folder, or let it be, then run it again.",
    )
