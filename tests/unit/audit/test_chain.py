# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does to an audit, and how it is named. Each case changes the files of a good one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import Part, check
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.line import Head, read, written
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.trail import (
    CURRENT,
    SMALLEST_FILE,
    Limits,
    Trail,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects

Lines = list[bytes]


def entry(number: int, size: int = 0) -> dict[str, object]:
    return {
        "event": "ended",
        "time": "2026-11-26T00:00:00Z",
        "server": "time",
        "n": number,
        "pad": "x" * size,
    }


def written_anew(lines: Lines, start: int) -> Lines:
    """What whoever knows the format makes of lines after a change: all hashes fit."""
    head = read(lines[start - 1]).head if start else Head()
    result = lines[:start]
    for raw in lines[start:]:
        fields = json.loads(raw)
        data, head = written(head, {k: v for k, v in fields.items() if k not in ("seq", "previous", "hash")})
        result.append(data.rstrip(b"\n"))
    return result


def changed(raw: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(raw), **fields}, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture
def good(tmp_path: Path) -> Lines:
    """Eight lines as they are in a file."""
    trail = Trail(Effects(), tmp_path / "audit")
    for number in range(8):
        trail.append(entry(number))
    return (tmp_path / "audit" / CURRENT).read_bytes().splitlines()


def checked(lines: Lines, expected: Head | None = None) -> list[str]:
    return [
        str(problem)
        for problem in check([Part(CURRENT, b"".join(x + b"\n" for x in lines))], expected).problems
    ]


TAMPERINGS: list[tuple[str, Callable[[Lines], Lines], list[str]]] = [
    ("untouched", lambda a: a, []),
    ("a value changed", lambda a: [*a[:3], changed(a[3], server="other"), *a[4:]],
     ["audit.jsonl, line 4: its content was changed: its own hash does not fit",
      "audit.jsonl, line 5: it is number 5 and follows 3: 4 missing or moved"]),
    ("a space added", lambda a: [*a[:3], a[3].replace(b",", b", ", 1), *a[4:]],
     ["audit.jsonl, line 4: its content was changed"]),
    ("a key twice", lambda a: [*a[:3], a[3].replace(b'{"', b'{"n":1,"', 1), *a[4:]],
     ["audit.jsonl, line 4: its content was changed"]),
    ("a line removed", lambda a: [*a[:3], *a[4:]],
     ["audit.jsonl, line 4: it is number 5 and follows 3: 4 missing or moved"]),
    ("three lines removed", lambda a: [*a[:3], *a[6:]],
     ["audit.jsonl, line 4: it is number 7 and follows 3: 4 to 6 missing or moved"]),
    ("the first lines removed", lambda a: a[2:],
     ["audit.jsonl, line 1: it is number 3, and those before it are missing"]),
    ("two lines swapped", lambda a: [*a[:3], a[4], a[3], *a[5:]],
     ["audit.jsonl, line 4: it is number 5 and follows 3",
      "audit.jsonl, line 5: it is number 4 and follows 5: it was moved"]),
    ("a line twice", lambda a: [*a[:4], a[3], *a[4:]],
     ["audit.jsonl, line 5: it is number 4 and follows 4: it was moved or added twice"]),
    ("a line changed and its own hash made to fit",
     lambda a: [*written_anew([*a[:3], changed(a[3], n=99)], 3), *a[4:]],
     ["audit.jsonl, line 5: it names another line before it than number 4, which was replaced"]),
    ("a line of nothing", lambda a: [*a[:3], b"", *a[3:]],
     ["audit.jsonl, line 4: it is no line of an audit"]),
    ("a foreign line", lambda a: [*a[:3], b'{"event": "ended"}', *a[3:]],
     ["audit.jsonl, line 4: it is no line"]),
    ("half a line in the middle", lambda a: [*a[:3], a[3][:40], *a[4:]],
     ["audit.jsonl, line 4: it is no line of an audit", "audit.jsonl, line 5: it is number 5 and follows 3"]),
]  # fmt: skip


@pytest.mark.parametrize(("_what", "tamper", "said"), TAMPERINGS, ids=[each[0] for each in TAMPERINGS])
def test_what_was_done_to_a_line_is_named_by_file_and_line(
    good: Lines, _what: str, tamper: Callable[[Lines], Lines], said: list[str]
) -> None:
    problems = checked(tamper(good))
    assert len(problems) >= len(said) and bool(problems) is bool(said), problems
    for words in said:
        assert any(problem.startswith(words) for problem in problems), problems


def test_what_is_cut_off_or_written_anew_is_known_to_whoever_kept_a_head(good: Lines) -> None:
    kept, early = read(good[7]).head, read(good[4]).head
    assert checked(good, kept) == checked(good, early) == checked(good, Head()) == []
    assert checked(good[:6]) == []
    assert checked(good[:6], kept) == [
        "audit.jsonl: it ends with number 6; number 8 was there and is cut off"
    ]
    anew = written_anew([*good[:3], changed(good[3], n=99), *good[4:]], 3)
    assert checked(anew) == []
    assert checked(anew, kept) == ["audit.jsonl: number 8 is another than it was: the chain was written anew"]
    assert checked(anew, early) != []
    assert checked([], kept) == ["audit.jsonl: it ends with number 0; number 8 was there and is cut off"]


def test_a_chain_that_is_made_up_behind_a_kept_head_is_told(good: Lines) -> None:
    """A line that says a rotation has removed all before it excuses nothing that somebody kept a head of."""
    kept = read(good[7]).head
    forgotten = Head(8, "0" * 64)
    line, _head = written(forgotten, {"event": "rotated", "forgotten": forgotten.to_json()})
    made_up = [line.rstrip(b"\n")]
    assert checked(made_up) == []
    [problem] = checked(made_up, kept)
    assert "it begins with number 9: that it follows number 8 shows nowhere" in problem


def test_a_line_has_one_form_only() -> None:
    data, head = written(Head(), {"event": "ended", "reason": "a\nb é"})
    assert data.count(b"\n") == 1 and data.isascii()
    assert read(data.rstrip(b"\n")).head == head


@pytest.fixture
def rotated(tmp_path: Path) -> Trail:
    """An audit of several files, of which the oldest are gone."""
    trail = Trail(Effects(), tmp_path / "audit", Limits(file_bytes=1, files=2))
    for number in range(30):
        trail.append(entry(number, SMALLEST_FILE // 4))
    return trail


def test_rotation_keeps_the_chain_and_so_many_files(rotated: Trail) -> None:
    parts = rotated.parts()
    chain = check(parts)
    assert (len(parts), chain.problems) == (3, ())
    assert chain.lines[0].seq > 1
    first = {part.name: read(part.data.splitlines()[0]) for part in parts}
    for before, part in zip(parts, parts[1:], strict=False):
        assert first[part.name].event == "rotated"
        assert first[part.name].previous == read(before.data.splitlines()[-1]).hash
        assert first[part.name].fields["file"] == before.name
    assert parts[0].name == f"audit-{chain.lines[0].seq:012}.jsonl"
    assert chain.head == rotated.head()


def test_a_file_that_is_gone_and_that_no_rotation_removed_is_named(rotated: Trail) -> None:
    oldest, middle, last = rotated.parts()
    number = read(middle.data.splitlines()[0]).seq
    assert str(check([middle, last]).problems[0]) == (
        f"{middle.name}, line 1: it is number {number}, and those before it are missing"
    )
    [problem] = check([oldest, last]).problems
    assert (problem.file, problem.number) == (CURRENT, 1) and "missing or moved" in problem.what
    assert check([oldest, middle], rotated.head()).problems != ()
    swapped = check([replace(oldest, data=middle.data), replace(middle, data=oldest.data), last])
    assert swapped.problems != ()
