# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of the kinds that are kept only for a time."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..host.layout import Layout
from ..release.locking import CACHE_LOCK, busy
from ..release.releases import Releases
from ..release.standing import Standing
from ..release.tombs import FOLDER as TOMBS
from ..retention.scene import Claim, Item, Use
from .ground import backups

_LOG = re.compile(r"(?:mcp-)?([a-z0-9][a-z0-9-]*)-(blue|green)\.log(\.[a-z0-9]+)?")
_OURS = re.compile(r"(edge|supervisord)\.log(\.[a-z0-9]+)?")
_CACHES = {"uv": "CACHEDIR.TAG", "npm": "_cacache", "pip": "http-v2", "bytecode": ""}
"""Folders of packages, and what each tool leaves in its own."""
_DEPTH = 3
_BACKUP = re.compile(r".+-\d{8}T\d{6}Z\.tar\.gz\.age(\.json)?")
_LOCK = ".lock"


@dataclass(frozen=True)
class Inventory:
    """``uses`` are those that show in the items; ``foreign`` is what is not the fleet's, and why."""

    items: tuple[Item, ...]
    uses: tuple[Use, ...]
    foreign: tuple[tuple[str, str], ...]


def inventory(
    layout: Layout, releases: Releases, now: float, evidence: Collection[str], slots: Collection[str],
    measured: bool, since: float | None,
) -> Inventory:  # fmt: skip
    """Look at releases, logs, caches and backups.

    :param evidence: releases, as ``identifier@version``, that a server went back from.
    :param slots: ``SERVER-SLOT`` whose logs are in use.
    :param measured: whether caches are to be measured, which takes a look at each of their files.
    :param since: releases that are older may have users that left no word (``sharing``).
    """
    survey = releases.survey()
    items, uses = [], []
    working = {group for group in {each.group for each in survey.standing} if releases.busy(group)}
    for standing in survey.standing:
        item = _release(standing, now, evidence)
        items.append(item)
        if standing.group in working:
            uses.append(Use(Claim("in flight", "another run is at work on its package"), path=item.path))
        if since is not None and item.age is not None and now - item.age < since:
            why = "hosts share this folder, and it is older than their words of what they use"
            uses.append(Use(Claim("unknown", why), path=item.path))
    foreign = list(survey.foreign)
    for found, more, strange in (
        _logs(layout, now, slots), _caches(layout, now, measured), _backups(layout, now)
    ):  # fmt: skip
        items += found
        uses += more
        foreign += strange
    return Inventory(tuple(items), tuple(uses), tuple(foreign))


def server_of_log(name: str) -> str | None:
    """Whose log a file is, by its name."""
    found = _LOG.fullmatch(name)
    return found[1] if found else None


def _release(standing: Standing, now: float, evidence: Collection[str]) -> Item:
    release = standing.release
    if release is None:
        kind, name = ("quarantine" if standing.finished else "staging"), standing.path.name
        return Item(kind, str(standing.path), standing.group, name, max(0.0, now - standing.changed))
    name = f"{release.package.identifier}@{release.package.version}"
    kind = "quarantine" if name in evidence else "release"
    age = _age(release.installed_at, now)
    return Item(kind, str(standing.path), standing.group, name, age, release.size_bytes, release.digest)


def _age(installed_at: str, now: float) -> float | None:
    try:
        return max(0.0, now - datetime.fromisoformat(installed_at).timestamp())
    except ValueError:
        return None


def _logs(
    layout: Layout, now: float, slots: Collection[str]
) -> tuple[list[Item], list[Use], list[tuple[str, str]]]:
    items, uses, foreign = [], [], []
    for entry in _entries(layout.logs):
        named = _LOG.fullmatch(entry.name)
        if named and entry.is_file(follow_symlinks=False):
            server, slot, turned = named.groups()
            items.append(_file("log", entry, server, now))
            if not turned and f"{server}-{slot}" in slots:
                claim = Claim("referenced", f"slot {slot} of {server} writes to it")
                uses.append(Use(claim, path=entry.path))
        elif entry.name != TOMBS and not _OURS.fullmatch(entry.name):
            foreign.append((entry.path, "it is no log of a server"))
    return items, uses, foreign


def _caches(
    layout: Layout, now: float, measured: bool
) -> tuple[list[Item], list[Use], list[tuple[str, str]]]:
    items, uses, foreign = [], [], []
    working = busy(layout.cache / CACHE_LOCK, shared_too=True)
    for entry in _entries(layout.cache):
        if entry.name in (TOMBS, CACHE_LOCK):
            continue
        mark = _CACHES.get(entry.name)
        own = mark is not None and entry.is_dir(follow_symlinks=False)
        if not own or (mark and not os.path.lexists(os.path.join(entry.path, mark))):
            foreign.append((entry.path, "it is no package cache"))
            continue
        path = Path(entry.path)
        size = _size(path) if measured else None
        items.append(Item("cache", entry.path, entry.name, entry.name, now - _newest(path, _DEPTH), size))
        if working:
            uses.append(Use(Claim("in flight", "a release is being installed from it"), path=entry.path))
    return items, uses, foreign


def _backups(layout: Layout, now: float) -> tuple[list[Item], list[Use], list[tuple[str, str]]]:
    """Archives and the notes beside them; as many of the one kind as of the other, so both go together."""
    items, uses, foreign = [], [], []
    working = busy(backups(layout) / _LOCK)
    for entry in _entries(backups(layout)):
        named = _BACKUP.fullmatch(entry.name)
        if named and entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
            items.append(_file("backup", entry, "notes of backups" if named[1] else "backups", now))
            if working:
                uses.append(Use(Claim("in flight", "a backup is being made"), path=entry.path))
        elif not entry.name.startswith("."):
            foreign.append((entry.path, "it is no backup"))
    return items, uses, foreign


def _file(kind: str, entry: os.DirEntry[str], group: str, now: float) -> Item:
    status = entry.stat(follow_symlinks=False)
    age = max(0.0, now - status.st_mtime)
    return Item(kind, entry.path, group, entry.name, age, status.st_size)


def _newest(path: Path, depth: int) -> float:
    """When something was last added to a folder, as far as its folders to some depth tell."""
    newest = path.lstat().st_mtime
    if depth:
        for entry in _entries(path):
            if entry.is_dir(follow_symlinks=False):
                newest = max(newest, _newest(Path(entry.path), depth - 1))
    return newest


def _size(path: Path) -> int:
    total = 0
    for folder, _names, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
