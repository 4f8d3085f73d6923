# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder for something that is tried out, with nothing left of it or of its processes afterwards.

It is removed when the work ends, fails or is interrupted (Ctrl-C, SIGTERM, a lost connection). What somebody
who was killed left is removed by the next who makes one: the lock on it is let go by the kernel.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from ..effects import Effects
from ..errors import FleetError
from ..flock import acquire, acquired, held, late
from ..slot.ending import end_all
from ..slot.process import marked

SLOT = "preview"
"""In place of a slot's name in the mark that processes of a scratch folder carry."""

STOP_SECONDS = 3.0
"""From SIGTERM to SIGKILL for what still runs."""

_TRIES = 5
_WAIT = 60.0


@contextlib.contextmanager
def scratch(effects: Effects, home: Path, server: str) -> Iterator[Path]:
    """A new folder below ``home``; in it work may be done until the end of the ``with``.

    Processes started for it carry ``MCP_FLEET_SLOT=SERVER/preview`` and ``MCP_FLEET_SLOTS=FOLDER``, and are
    ended with it.
    :raises FleetError: when another run that makes one does not end.
    """
    made = [folder for folder in (home, *home.parents) if not folder.exists()]
    with _interruptible():
        folder, lock = _new(effects, home, server)
        try:
            yield folder
        finally:
            try:
                _clear(effects, folder, server)
            finally:
                os.close(lock)
                for parent in dict.fromkeys((home, *made)):
                    # Somebody else may have come to use it.
                    with contextlib.suppress(OSError):
                        effects.act("rmdir", str(parent), parent.rmdir)


def _new(effects: Effects, home: Path, server: str) -> tuple[Path, int]:
    """The folder, and the descriptor that holds the lock on it. What others left behind is removed."""
    for last in (*[False] * (_TRIES - 1), True):
        effects.make_directory(home, 0o711)
        try:
            with held(home, _WAIT, server, os.O_RDONLY | os.O_DIRECTORY):
                for left in sorted(home.iterdir()):
                    # What cannot be removed is in nobody's way; the next one tries again.
                    with contextlib.suppress(OSError, FleetError):
                        _clear_left(effects, left)
                folder = effects.act("mkdtemp", str(home), lambda: _made(home, server))
                return folder, _claimed(folder, server)
        except FileNotFoundError:
            # Whoever ended last has removed it in between.
            if last:
                raise
    raise AssertionError("not reached")


def _made(home: Path, server: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{server}.", dir=home))


def _claimed(folder: Path, server: str) -> int:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    acquire(lock, _WAIT, lambda holder: late(folder, _WAIT, holder, server))
    return lock


def _clear_left(effects: Effects, folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if acquired(descriptor):
            _clear(effects, folder, folder.name.partition(".")[0])
    finally:
        os.close(descriptor)


def _clear(effects: Effects, folder: Path, server: str) -> None:
    end_all(effects, server, SLOT, lambda: marked(folder, server, SLOT), STOP_SECONDS)
    effects.remove_tree(folder)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does, so that what is in hand is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
