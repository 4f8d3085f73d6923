# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases and caches processes have in use, by /proc: working folder, program, maps, open files, and
what their command lines and environments name (an interpreter closes the sources that it has read)."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..slot.process import ROOT_VARIABLE, SLOT_VARIABLE

_PROC = "/proc"
_LINKS = ("cwd", "exe", "root")


@dataclass(frozen=True)
class Seen:
    """What processes use: for each of the folders that were asked for, the paths below it as they name them
    (at most three parts), and by whom. ``marked`` are processes of slots, of which no path was seen: pid, the
    folder of the slots, ``SERVER/SLOT``."""

    paths: Mapping[str, Mapping[str, tuple[int, ...]]]
    marked: tuple[tuple[int, str, str], ...] = ()

    def user(self, root: Path, relative: str) -> int | None:
        """A process that uses what stands there or below."""
        for path, pids in self.paths.get(str(root), {}).items():
            if path == relative or path.startswith(f"{relative}/") or relative.startswith(f"{path}/"):
                return pids[0]
        return None


def opened(roots: list[Path], slots: list[Path]) -> Seen:
    """Look at every process that may be looked at, ourselves apart.

    :param slots: folders of slots, by which their processes are marked.
    """
    patterns = {root: _pattern(root) for root in roots}
    found: dict[str, dict[str, list[int]]] = {str(root): defaultdict(list) for root in roots}
    marks, naming, parents = [], set[int](), {}
    homes = {f"{ROOT_VARIABLE}={path}".encode(): str(path) for path in slots}
    for pid in _pids():
        environ = _read(pid, "environ")
        text = b"\0".join((_read(pid, "cmdline"), environ, _read(pid, "maps"), *_links(pid)))
        for root, (needles, pattern) in patterns.items():
            if any(needle in text for needle in needles):
                for match in set(pattern.findall(text)):
                    found[str(root)][os.fsdecode(match)].append(pid)
                    naming.add(pid)
        parents[pid] = _parent(pid)
        mark = _mark(environ, homes)
        if mark:
            marks.append((pid, *mark))
    own = {pid for pid, _home, _name in marks}
    silent = tuple(each for each in marks if not _names(each[0], naming, parents, own))
    return Seen(
        {root: {path: tuple(pids) for path, pids in paths.items()} for root, paths in found.items()}, silent
    )


def references(root: Path, text: bytes) -> set[str]:
    """What a text names below a folder: paths of at most three parts."""
    _needles, pattern = _pattern(root)
    return {os.fsdecode(match) for match in pattern.findall(text)}


def _pattern(root: Path) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """The folder's names (links in them followed and not), and what finds parts of a path after one."""
    names = tuple({os.fsencode(root), os.fsencode(os.path.realpath(root))})
    part = rb"[^/\0\n\"' :]+"
    either = b"|".join(re.escape(name) for name in names)
    return names, re.compile(rb"(?:" + either + rb")/(" + part + rb"(?:/" + part + rb"){0,2})")


def _names(pid: int, naming: set[int], parents: Mapping[int, int], own: set[int]) -> bool:
    """Whether a process, or the one of its slot that started it, named what it runs from."""
    while pid in own:
        if pid in naming:
            return True
        pid = parents.get(pid, 0)
    return False


def _mark(environ: bytes, homes: Mapping[bytes, str]) -> tuple[str, str] | None:
    variables = environ.split(b"\0")
    home = next((homes[variable] for variable in variables if variable in homes), None)
    prefix = f"{SLOT_VARIABLE}=".encode()
    name = next((each[len(prefix) :] for each in reversed(variables) if each.startswith(prefix)), None)
    return (home, name.decode("utf-8", "replace")) if home and name else None


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdigit() and int(name) != os.getpid()]


def _parent(pid: int) -> int:
    text = _read(pid, "stat")
    return int(text[text.rindex(b")") + 2 :].split()[1]) if b")" in text else 0


def _links(pid: int) -> Iterator[bytes]:
    for name in _LINKS:
        with contextlib.suppress(OSError):
            yield os.fsencode(os.readlink(f"{_PROC}/{pid}/{name}"))
    with contextlib.suppress(OSError):
        for name in os.listdir(f"{_PROC}/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield os.fsencode(os.readlink(f"{_PROC}/{pid}/fd/{name}"))


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"{_PROC}/{pid}/{name}", "rb") as stream:
            return stream.read()
    except OSError:
        return b""
