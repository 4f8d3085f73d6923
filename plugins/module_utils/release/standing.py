# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the folder of all releases: looked at folder by folder, never at the files of a release."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import manifest
from .manifest import Release
from .tombs import FOLDER as TOMBS

LOCKS, STAGING, HOSTS = ".locks", ".staging", ".hosts"
_NAMED = re.compile(r".+-[0-9a-f]{12}(~[0-9]+)?")


@dataclass(frozen=True)
class Standing:
    """A folder that is a release, was one, or was to become one.

    :param group: its package as ``pypi/FOLDER``; lock and folder names are made of it.
    :param finished: whether it has a manifest, readable or not: it was installed to its end once.
    :param changed: when its entries last changed, Unix time.
    """

    path: Path
    group: str
    release: Release | None
    finished: bool
    changed: float


@dataclass(frozen=True)
class Survey:
    """``foreign`` is what the fleet did not put there, and why it is taken for that."""

    standing: tuple[Standing, ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()


def survey(root: Path, registries: Iterable[str], node: str | None) -> Survey:
    """All of a releases folder. Links are never gone into.

    :raises OSError: when a folder cannot be read.
    """
    found: list[Standing] = []
    foreign: list[tuple[str, str]] = []
    known = set(registries)
    for entry in _entries(root):
        if entry.name in (LOCKS, TOMBS, HOSTS) and entry.is_dir(follow_symlinks=False):
            continue
        if entry.name not in (*known, STAGING):
            foreign.append((entry.path, "the fleet has nothing of that name"))
        elif not entry.is_dir(follow_symlinks=False):
            foreign.append((entry.path, _what(entry)))
        elif entry.name == STAGING:
            _staging(entry, found, foreign)
        else:
            _registry(entry, found, foreign, node)
    return Survey(tuple(found), tuple(foreign))


def _staging(entry: os.DirEntry[str], found: list[Standing], foreign: list[tuple[str, str]]) -> None:
    for inner in _entries(entry.path):
        if inner.is_dir(follow_symlinks=False):
            group = inner.name.replace("-", "/", 1)
            changed = inner.stat(follow_symlinks=False).st_mtime
            found.append(Standing(Path(inner.path), group, None, False, changed))
        else:
            foreign.append((inner.path, _what(inner)))


def _registry(
    entry: os.DirEntry[str], found: list[Standing], foreign: list[tuple[str, str]], node: str | None
) -> None:
    for package in _entries(entry.path):
        if not package.is_dir(follow_symlinks=False):
            foreign.append((package.path, _what(package)))
            continue
        for inner in _entries(package.path):
            if not inner.is_dir(follow_symlinks=False):
                foreign.append((inner.path, _what(inner)))
            elif not _NAMED.fullmatch(inner.name):
                foreign.append((inner.path, "it is not named like a release"))
            else:
                path = Path(inner.path)
                found.append(
                    Standing(
                        path,
                        f"{entry.name}/{package.name}",
                        manifest.read(path, node),
                        os.path.lexists(path / manifest.NAME),
                        inner.stat(follow_symlinks=False).st_mtime,
                    )
                )


def _entries(path: os.PathLike[str] | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _what(entry: os.DirEntry[str]) -> str:
    return "it is a link" if entry.is_symlink() else "it is no folder"
