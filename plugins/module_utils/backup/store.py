# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of backups on a host: made under another name, read back, the newest few kept.

Beside ``HOST-TIME.tar.gz.age`` lies ``….json``, which says in plain text what was written and is no secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from ..effects import Effects
from ..errors import FleetError, explained, refused
from ..flock import held
from .age import Recipients, encrypt, unreadable
from .collect import Collected
from .pack import packed

SUFFIX = ".tar.gz.age"
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_CHUNK = 2**20
_WAIT = 600.0
"""Seconds that another run may take for its backup."""
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
"""Encrypted as it is everybody may read it, so that it can be fetched without root."""


@dataclass(frozen=True)
class Stored:
    """A backup on the disk; ``note`` is what lies beside it."""

    path: Path
    note: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        return str(self.note["sha256"])

    @property
    def size_bytes(self) -> int:
        return int(self.note["size_bytes"])


class Store:
    """The backups of one host in ``folder``. Whoever makes one holds the flock of ``.lock`` meanwhile.

    :raises FleetError: for a host whose name cannot be a file's.
    """

    def __init__(self, effects: Effects, folder: Path, host: str) -> None:
        if not _HOST.fullmatch(host):
            cure = "Give a name of letters, digits and . _ -, such as the inventory's."
            raise FleetError(f"name a backup of {host!r}", "it cannot be the name of a file", cure)
        self._effects = effects
        self._folder = folder
        self._host = host

    def all(self) -> list[Stored]:
        """Those of this host with their notes, the newest first."""
        pattern = re.compile(rf"{re.escape(self._host)}-\d{{8}}T\d{{6}}Z{re.escape(SUFFIX)}")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            names = [name for name in os.listdir(self._folder) if pattern.fullmatch(name)]
            found = [Stored(self._folder / name, _note(self._folder / name)) for name in sorted(names)]
            return [stored for stored in reversed(found) if stored.note]
        return []

    def holding(self, collected: Collected, recipients: Recipients) -> Stored | None:
        """The newest, when it holds just this for these recipients, and is what was written."""
        newest = next(iter(self.all()), None)
        if newest is None or newest.note.get("fingerprint") != fingerprint(collected, recipients):
            return None
        try:
            require_bytes(newest)
        except FleetError:
            return None
        return newest

    def make(self, collected: Collected, recipients: Recipients) -> Stored:
        """Write one, and read it back from the disk.

        :raises FleetError: then it is not there, and older ones are as they were.
        """
        with explained(f"write a backup to {self._folder}"):
            self._effects.make_directory(self._folder, _FOLDER_MODE)
            with held(self._folder / ".lock", _WAIT):
                self._forget_unfinished()
                now = self._moment()
                return self._write(self._path(now), collected, recipients, now)

    def prune(self, keep: int) -> list[Path]:
        """Remove all but the newest ``keep``."""
        gone = [stored.path for stored in self.all()[max(1, keep) :]]
        with explained(f"remove old backups in {self._folder}"):
            for path in gone:
                self._effects.remove_file(path)
                self._effects.remove_file(note_path(path))
        return gone

    def _write(self, path: Path, collected: Collected, recipients: Recipients, now: datetime) -> Stored:
        temporary = path.with_name(f".{path.name}.new")
        made = now.isoformat(timespec="seconds")

        def write() -> tuple[int, str]:
            with temporary.open("wb") as stream:
                os.fchmod(stream.fileno(), _FILE_MODE)
                counted = _Counted(stream)
                encrypt(packed(collected.texts(made), collected.releases), counted, recipients)
                stream.flush()
                os.fsync(stream.fileno())
                return counted.size, counted.digest.hexdigest()

        try:
            size, digest = self._effects.act("pack", str(path), write)
            note = {
                "host": self._host,
                "made": made,
                "sha256": digest,
                "size_bytes": size,
                "fingerprint": fingerprint(collected, recipients),
                "recipients": list(recipients.texts),
                "servers": {part.name: part.packages() for part in collected.parts},
                "omitted": dict(collected.omitted),
            }
            stored = Stored(path, note)
            require_bytes(Stored(temporary, note))
            # The note first: a backup that is there has one.
            text = json.dumps(note, indent=1, sort_keys=True).encode() + b"\n"
            self._effects.write_file(note_path(path), text, _FILE_MODE)
            self._effects.rename(temporary, path)
            return stored
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if not path.exists():
                with contextlib.suppress(OSError):
                    note_path(path).unlink()
            raise

    def _path(self, now: datetime) -> Path:
        return self._folder / f"{self._host}-{now.strftime('%Y%m%dT%H%M%SZ')}{SUFFIX}"

    def _moment(self) -> datetime:
        """The first second of which there is none: by their names they are in order."""
        while self._path(now := datetime.now(timezone.utc)).exists():
            time.sleep(0.05)
        return now

    def _forget_unfinished(self) -> None:
        """What runs that were killed left of theirs."""
        for path in self._folder.glob(f".{self._host}-*{SUFFIX}*.new"):
            self._effects.remove_file(path)
        for path in self._folder.glob(f"{self._host}-*{SUFFIX}.json"):
            if not path.with_name(path.name[: -len(".json")]).exists():
                self._effects.remove_file(path)


class _Counted:
    """What is written, and its size and sha256."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.size += len(data)
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


def fingerprint(collected: Collected, recipients: Recipients) -> str:
    """Equal for backups that hold the same for the same recipients."""
    return hashlib.sha256("\n".join((collected.fingerprint, *recipients.texts)).encode()).hexdigest()


def note_path(path: Path) -> Path:
    """Where the note of a backup lies."""
    return path.with_name(f"{path.name}.json")


def noted(path: Path) -> Stored:
    """A backup with its note, empty where none lies beside it."""
    return Stored(path, _note(path))


def require_bytes(stored: Stored) -> None:
    """Read a backup from the disk, past the cache, and compare it with what was written.

    :raises FleetError: when it is another.
    """
    digest = hashlib.sha256()
    try:
        with stored.path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while data := stream.read(_CHUNK):
                digest.update(data)
    except FileNotFoundError as error:
        raise unreadable(stored.path, "it is not there", "Name a backup that mcp_backup made.") from error
    except OSError as error:
        raise refused(f"read the backup {stored.path}", error) from error
    if digest.hexdigest() != stored.sha256:
        raise unreadable(
            stored.path, "it is not what was written (its sha256 is another)",
            "Take another copy of it, or an older backup, and look at the disk.",
        )  # fmt: skip


def _note(path: Path) -> Mapping[str, Any]:
    try:
        note: Any = json.loads(note_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and isinstance(note.get("sha256"), str) else {}
