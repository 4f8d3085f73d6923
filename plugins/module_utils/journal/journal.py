# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where records live, and who may write them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from ..flock import acquire, kept
from .record import Record


class LockHeld(FleetError):
    """Another run is at work on the server."""


class Journal:
    """Records under ``root``/NAME/journal.json, each guarded by the flock of ``root``/NAME/lock.

    The kernel gives the lock back when its holder dies, so none is ever left behind.
    """

    def __init__(self, effects: Effects, root: Path) -> None:
        self._effects = effects
        self._root = root

    def servers(self) -> list[str]:
        """Servers of which there is a record.

        :raises OSError: when that cannot be read.
        """
        if not self._root.exists():
            return []
        return sorted(
            name for name in os.listdir(self._root) if (self._root / name / "journal.json").exists()
        )

    def load(self, server: str) -> Record:
        """The record; an empty one when there is none yet.

        :raises FleetError: when the file is there but cannot be understood, or is another server's; it is
            never written over then.
        """
        path = self._path(server)
        try:
            return _named(server, Record.from_json(path.read_text()))
        except FileNotFoundError:
            return Record(server)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FleetError(
                f"read the journal {path}",
                f"it is damaged or of another version ({error})",
                "Restore it from a backup, or move it away to let the next update adopt what runs.",
                server,
            ) from error

    def save(self, record: Record) -> None:
        """Make a record durable."""
        self._effects.make_directory(self._path(record.server).parent, 0o700)
        self._effects.write_file(self._path(record.server), record.to_json(), 0o600)

    def remove(self, server: str) -> None:
        """Forget a server."""
        self._effects.remove_file(self._path(server))

    @contextlib.contextmanager
    def lock(self, server: str, wait: float) -> Iterator[None]:
        """Hold a server's lock.

        :param wait: seconds to wait for another holder.
        :raises LockHeld: naming the holder when it is not free by then.
        """
        folder = self._path(server).parent
        # Durable already here: with a folder that a power loss takes back goes the record in it.
        self._effects.make_directory(folder, 0o700)
        path = folder / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            acquire(descriptor, wait, lambda holder: _late(path, wait, holder, server))
            yield
        finally:
            os.close(descriptor)

    def _path(self, server: str) -> Path:
        return self._root / server / "journal.json"


def _named(server: str, record: Record) -> Record:
    """:raises ValueError: when it is another server's: what is done with it would be done to that one."""
    if record.server != server:
        raise ValueError(f"it is of the server {record.server!r}")
    return record


def _late(path: Path, wait: float, holder: str, server: str) -> LockHeld:
    cure = "Let it finish and run again, or raise lock_timeout."
    return LockHeld(f"lock {path}", kept(holder, wait), cure, server)
