# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's files on a host: one writer at a time adds lines, and full files are put aside."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError, explained
from ..flock import acquire, late
from .chain import Part
from .line import Head, Line, digest, read, written

CURRENT = "audit.jsonl"
FEWEST_FILES = 2
"""Files that were put aside and are kept, whatever is asked for."""
SMALLEST_FILE = 64 * 1024
LONGEST_LINE = 64 * 1024
"""Bytes, with the newline. ``account`` cuts what is told so that a line keeps to it."""
_WAIT = 10.0
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750


@dataclass(frozen=True)
class Limits:
    """``file_bytes``: size from which a file is put aside; ``files``: how many of those are kept."""

    file_bytes: int = 4 * 1024 * 1024
    files: int = 12


@dataclass(frozen=True)
class _End:
    """``head``: of the last line that is whole; ``torn``: lines behind it in which runs were killed;
    ``closed``: whether the file ends with a newline."""

    head: Head = field(default_factory=Head)
    closed: bool = True
    torn: tuple[bytes, ...] = ()


class Trail:
    """The audit in ``folder``: ``audit.jsonl``, and beside it full files, named by the number of their first
    line. Whoever adds to it holds the flock of ``lock`` for that moment.
    """

    def __init__(self, effects: Effects, folder: Path, limits: Limits | None = None) -> None:
        self._effects = effects
        self._folder = folder
        self._limits = limits or Limits()

    def append(self, fields: Mapping[str, Any]) -> Head:
        """Make a line durable, and give the new head of the chain.

        :param fields: what it says; ``time`` and ``event`` are among it.
        :raises FleetError: when that cannot be done; nothing was added then.
        """
        with explained(f"write the audit {self._folder / CURRENT}"):
            self._effects.make_directory(self._folder, _FOLDER_MODE)
            with self._locked(fcntl.LOCK_EX):
                return self._append(fields)

    def head(self) -> Head:
        """The head of the chain; nothing is written.

        :raises FleetError: when the last line cannot be read or is none of the audit's.
        """
        with explained(f"read the audit {self._folder / CURRENT}"), self._locked(fcntl.LOCK_SH):
            return self._end().head

    def parts(self) -> list[Part]:
        """All files, the oldest first, as they are between two writers.

        :raises FleetError: when they cannot be read.
        """
        with explained(f"read the audit in {self._folder}"), self._locked(fcntl.LOCK_SH):
            paths = [*self._aside(), self._folder / CURRENT]
            return [Part(path.name, path.read_bytes()) for path in paths if path.exists()]

    def _append(self, fields: Mapping[str, Any]) -> Head:
        end, moved = self._end(), None
        before: list[dict[str, Any]] = []
        if end.torn:
            # They stay where they are, as evidence; this line tells what they are.
            before.append({"event": "repaired", "torn": [digest(raw) for raw in end.torn]})
        elif self._is_full():
            rotation, moved = self._rotation()
            before.append(rotation)
        data, head = b"" if end.closed or moved else b"\n", end.head
        for each in (*before, fields):
            line, head = written(head, {**each, "time": fields["time"]})
            if len(line) > LONGEST_LINE:
                raise FleetError(
                    f"write the audit {self._folder / CURRENT}",
                    f"a line of it would have {len(line)} bytes (at most {LONGEST_LINE})",
                    "Shorten what it is to tell: the reason, and what the controller says of who asks.",
                )  # fmt: skip
            data += line
        if moved:
            self._effects.rename(self._folder / CURRENT, moved)
        self._effects.append(self._folder / CURRENT, data, _FILE_MODE)
        for path in self._aside()[: -self._kept()] if moved else ():
            self._effects.remove_file(path)
        return head

    def _rotation(self) -> tuple[dict[str, Any], Path]:
        """The first line of the next file, and where the full one goes."""
        first = _first(self._folder / CURRENT)
        moved = self._folder / f"audit-{first.seq:012}.jsonl"
        aside = self._aside()
        gone = [*aside, moved][: -self._kept()]
        fields: dict[str, Any] = {"event": "rotated", "file": moved.name}
        if gone:
            # Told before it is done: what is missing must be known, what is still there does no harm.
            left = _first(aside[len(gone)])
            fields["forgotten"] = Head(left.seq - 1, left.previous).to_json()
        return fields, moved

    def _kept(self) -> int:
        return max(FEWEST_FILES, self._limits.files)

    def _is_full(self) -> bool:
        path = self._folder / CURRENT
        return path.exists() and path.stat().st_size >= max(SMALLEST_FILE, self._limits.file_bytes)

    def _end(self) -> _End:
        """Where nothing in the current file is whole, its chain is that of the file before it."""
        end = _End()
        for path in (self._folder / CURRENT, *reversed(self._aside())):
            if path.exists() and path.stat().st_size:
                found = _end_of(path)
                end = found if path.name == CURRENT else replace(end, head=found.head)
                if end.head.seq:
                    break
        return end

    def _aside(self) -> list[Path]:
        return sorted(self._folder.glob("audit-" + "[0-9]" * 12 + ".jsonl"))

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        path = self._folder / "lock"
        try:
            flags = os.O_RDWR | os.O_CREAT if kind == fcntl.LOCK_EX else os.O_RDONLY
            descriptor = os.open(path, flags | os.O_CLOEXEC, _FILE_MODE)
        except FileNotFoundError:
            yield
            return
        try:
            acquire(descriptor, _WAIT, lambda holder: late(path, _WAIT, holder), kind)
            yield
        finally:
            os.close(descriptor)


def _end_of(path: Path) -> _End:
    """:raises FleetError: when the last line is none of an audit's: somebody changed it, or the disk did."""
    size, length = path.stat().st_size, 3 * LONGEST_LINE
    while True:
        found = _last_in(path, max(0, size - length))
        if found.head.seq or length >= size:
            break
        # An older collection's line may be longer than any is now.
        length *= 4
    if not found.head.seq and (size > 3 * LONGEST_LINE or path.name != CURRENT):
        raise _damaged(path, "it is no line of an audit")
    return found


def _last_in(path: Path, start: int) -> _End:
    """The last line that is whole and begins behind ``start``; the head of nothing when there is none."""
    with path.open("rb") as stream:
        stream.seek(start)
        lines = stream.read().split(b"\n")
    closed = not lines[-1]
    torn: list[bytes] = []
    for raw in reversed(lines[1 if start else 0 : len(lines) - closed]):
        try:
            return _End(read(raw).head, closed, tuple(reversed(torn)))
        except ValueError as error:
            if _is_json(raw):
                raise _damaged(path, str(error)) from error
            torn.append(raw)
    return _End(Head(), closed, tuple(reversed(torn)))


def _first(path: Path) -> Line:
    """The first line of a file that can be read."""
    with path.open("rb") as stream:
        for raw in stream:
            with contextlib.suppress(ValueError):
                return read(raw.rstrip(b"\n"))
    raise _damaged(path, "it has no line of an audit")


def _is_json(raw: bytes) -> bool:
    """Whether it is more than a run that was killed, or the power that was lost, in a line leaves of it."""
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


def _damaged(path: Path, why: str) -> FleetError:
    return FleetError(
        f"read the audit {path}", why,
        "See what mcp_audit says of it. To begin anew, keep the folder as evidence under another name.",
    )  # fmt: skip
