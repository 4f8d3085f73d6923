# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lines of an audit are all there, unchanged and in order. Decided from their bytes alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .line import NOTHING, Head, Line, digest, read


@dataclass(frozen=True)
class Part:
    """A file of the audit: its name and all of its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Problem:
    """What is wrong with the line ``number`` (from 1) of a file; 0: with the file."""

    file: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}: {self.what}" if self.number else f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Chain:
    """``lines``: those that could be read, the oldest first; ``torn`` counts lines in which runs were killed
    and of which the next line tells: that is no problem."""

    lines: tuple[Line, ...] = ()
    problems: tuple[Problem, ...] = ()
    torn: int = 0
    head: Head = field(default_factory=Head)


def check(parts: Sequence[Part], expected: Head | None = None) -> Chain:
    """Follow the chain through all files, the oldest first.

    :param expected: the head of an earlier time, as somebody else kept it: it must still be in the chain.
    """
    found = _Followed()
    for part in parts:
        found.follow(part)
    found.end()
    problems = [*found.problems, *_missing(found, parts, expected)]
    head = found.lines[-1].head if found.lines else Head()
    return Chain(tuple(found.lines), tuple(problems), found.torn, head)


class _Followed:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.problems: list[Problem] = []
        self.torn = 0
        self._forgotten: Head | None = None
        self._first: Problem | None = None
        self._unreadable: list[tuple[Problem, bytes, bool]] = []

    def follow(self, part: Part) -> None:
        """Go on with the lines of one file."""
        for number, raw, whole in _split(part.data):
            try:
                line = read(raw)
            except ValueError as error:
                self._unreadable.append((Problem(part.name, number, str(error)), raw, whole))
                continue
            self._settle(line)
            self._link(part, number, line)

    def end(self) -> None:
        """After the last file."""
        self._settle(None)
        if self._first is not None:
            self.problems.insert(0, self._first)

    def _settle(self, following: Line | None) -> None:
        """Whether lines that could not be read are just those that the line after them tells of."""
        unreadable, self._unreadable = self._unreadable, []
        if following is None:
            # At the very end the next line will tell of it; nothing that was made durable is gone.
            told = [digest(raw) for _problem, raw, whole in unreadable if not whole]
        else:
            told = following.fields.get("torn", ()) if following.event == "repaired" else []
        if [digest(raw) for _problem, raw, _whole in unreadable] == told:
            self.torn += len(unreadable)
        else:
            self.problems += [problem for problem, _raw, _whole in unreadable]

    def _link(self, part: Part, number: int, line: Line) -> None:
        if not self.lines:
            if line.previous != NOTHING or line.seq != 1:
                what = f"it is number {line.seq}, and those before it are missing"
                self._first = Problem(part.name, number, what)
                self._forgotten = Head(line.seq - 1, line.previous)
        else:
            self._compare(part, number, line, self.lines[-1])
        if self._first is not None and _forgets(line, self._forgotten):
            self._first = None
        self.lines.append(line)

    def _compare(self, part: Part, number: int, line: Line, before: Line) -> None:
        if line.seq == before.seq + 1 and line.previous == before.hash:
            return
        if line.seq > before.seq + 1:
            gone = f"{before.seq + 1} to {line.seq - 1}" if line.seq > before.seq + 2 else str(line.seq - 1)
            what = f"it is number {line.seq} and follows {before.seq}: {gone} missing or moved"
        elif line.seq <= before.seq:
            what = f"it is number {line.seq} and follows {before.seq}: it was moved or added twice"
        else:
            what = f"it names another line before it than number {before.seq}, which was replaced"
        self.problems.append(Problem(part.name, number, what))


def _forgets(line: Line, forgotten: Head | None) -> bool:
    """Whether a line tells that what is missing before the first one was removed by a rotation."""
    told = line.fields.get("forgotten")
    if forgotten is None or not isinstance(told, dict):
        return False
    # More may be told of than is gone: a run may have been killed while it removed files.
    return told == forgotten.to_json() or told["seq"] > forgotten.seq


def _missing(found: _Followed, parts: Sequence[Part], expected: Head | None) -> Iterator[Problem]:
    if expected is None or expected.seq == 0:
        return
    where = parts[-1].name if parts else "audit.jsonl"
    known = {line.seq: line.hash for line in found.lines}
    last = max(known, default=0)
    if expected.seq > last:
        yield Problem(where, 0, f"it ends with number {last}; number {expected.seq} was there and is cut off")
    elif expected.seq in known and known[expected.seq] != expected.hash:
        yield Problem(where, 0, f"number {expected.seq} is another than it was: the chain was written anew")
    elif expected.seq not in known and expected.seq >= min(known):
        yield Problem(where, 0, f"number {expected.seq} was there and is missing")
    elif expected.seq not in known and expected != Head(found.lines[0].seq - 1, found.lines[0].previous):
        # Whoever writes it all anew can have it begin like this.
        what = f"it begins with number {min(known)}: that it follows number {expected.seq} shows nowhere"
        yield Problem(where, 0, f"{what}; if rotations are the reason, begin with its head of now")


def _split(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Each line with its number, and whether it has its end."""
    rest = data.split(b"\n")
    for number, raw in enumerate(rest[:-1], 1):
        yield number, raw, True
    if rest[-1]:
        yield len(rest), rest[-1], False
