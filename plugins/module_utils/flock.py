# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on files (flock(2)), which the kernel lets go when their holder dies, but not while it is frozen: who
waits for one does so for a limited time, and names the holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import FleetError

_STEP = 0.02
_MADE = os.O_RDWR | os.O_CREAT


def acquired(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open file where that is possible at this moment; whether it was."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def acquire(
    descriptor: int, wait: float, late: Callable[[str], FleetError], kind: int = fcntl.LOCK_EX
) -> None:
    """Take the lock of an open file.

    :param wait: seconds to wait for another holder.
    :param late: the error, given the holder's process id (or ``unknown``), when it is not free by then.
    :raises FleetError: that one.
    """
    deadline = time.monotonic() + wait
    while not acquired(descriptor, kind):
        left = deadline - time.monotonic()
        if left <= 0:
            raise late(_holder(os.fstat(descriptor).st_ino))
        time.sleep(min(_STEP, left))


@contextlib.contextmanager
def held(path: Path, wait: float, server: str | None = None, flags: int = _MADE) -> Iterator[None]:
    """Hold the lock of a file that is made where it is missing; with other ``flags`` (open(2)) a folder's.

    It is for what takes moments: whoever has it for ``wait`` seconds is likely to be frozen.
    :raises FleetError: naming the holder when it is not free by then.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        acquire(descriptor, wait, lambda holder: late(path, wait, holder, server))
        yield
    finally:
        os.close(descriptor)


def kept(holder: str, wait: float) -> str:
    """What came back, in words."""
    return f"another run (process {holder}) has held it for the {wait:g} s that were waited"


def late(path: Path, wait: float, holder: str, server: str | None = None) -> FleetError:
    """The error for a lock that takes moments, and was held for all of ``wait`` seconds."""
    cure = "See what it does (ps; state T is frozen): let it go on (kill -CONT) or end it, then run again."
    return FleetError(f"lock {path}", kept(holder, wait), cure, server)


def _holder(inode: int) -> str:
    """The process that holds a flock, as /proc/locks has it (proc(5))."""
    try:
        rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return "unknown"
    return next((row[4] for row in rows if row[1] == "FLOCK" and row[5].endswith(f":{inode}")), "unknown")
