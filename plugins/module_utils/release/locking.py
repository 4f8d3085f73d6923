# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on releases and on the caches that they are installed from."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from ..flock import acquire, acquired
from .installation import Installation

CACHE_LOCK = ".lock"
"""In the folder of the package caches: shared by who installs from them."""


def busy(path: Path, shared_too: bool = False) -> bool:
    """Whether somebody holds the lock at this moment; ``shared_too``: also who shares it with others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not acquired(descriptor, fcntl.LOCK_EX if shared_too else fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(work: Installation, path: Path) -> Iterator[None]:
    """Hold a lock; raises FleetError when others hold it until the time limit of ``work``."""
    descriptor = _opened(work.effects, path)
    try:
        what = "another run that installs or removes the same package"
        acquire(descriptor, work.left(), lambda _holder: work.too_late(what))
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held(effects: Effects, path: Path, wait: float, tried: str) -> Iterator[None]:
    """Hold a lock; raises FleetError when others hold it for ``wait`` seconds."""

    def late(holder: str) -> FleetError:
        came_back = f"another run (process {holder}) has held {path} for the {wait:g} s that were waited"
        return FleetError(tried, came_back, "Let it finish, then run it again.")

    descriptor = _opened(effects, path)
    try:
        acquire(descriptor, wait, late)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def using(work: Installation, cache: Path) -> Iterator[None]:
    """Let nobody delete the caches below ``cache`` meanwhile."""
    descriptor = _opened(work.effects, cache / CACHE_LOCK)
    try:
        what = "a cleanup of the package cache"
        acquire(descriptor, work.left(), lambda _holder: work.too_late(what), fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _opened(effects: Effects, path: Path) -> int:
    effects.make_directory(path.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    return effects.act("create", str(path), lambda: os.open(path, flags, 0o644))
