# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that the collection's logic raises."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FleetError(Exception):
    """Something could not be done, said so that an operator can act on it.

    :param tried: what was tried and on what, e.g. ``start slot green on port 21001``.
    :param came_back: what was observed instead of success.
    :param cure: what the operator can do about it.
    :param server: the server it concerns, where there is one.
    """

    def __init__(self, tried: str, came_back: str, cure: str, server: str | None = None) -> None:
        self.tried = tried
        self.came_back = came_back
        self.cure = cure
        self.server = server
        super().__init__(str(self))

    def on(self, server: str) -> FleetError:
        """The same error, naming the server when it did not yet."""
        return self if self.server else type(self)(self.tried, self.came_back, self.cure, server)

    def __str__(self) -> str:
        subject = f"{self.server}: " if self.server else ""
        return f"{subject}{self.tried}: {self.came_back.rstrip('.')}. {self.cure}"


_SHORTAGES = (
    (
        (errno.ENOSPC, errno.EDQUOT),
        "the disk has no room",
        "Free space or inodes on that filesystem (df -h, df -i), then run it again.",
    ),
    (
        (errno.EROFS,),
        "the filesystem is read-only",
        "Mount it writable (the kernel's log says why it is not), then run it again.",
    ),
    (
        (errno.EMFILE, errno.ENFILE),
        "no more files can be opened",
        "Raise the limit (ulimit -n, fs.file-max), or end what holds so many, then run it again.",
    ),
    (
        (errno.ENOMEM,),
        "the host has no memory left",
        "Free memory, or move servers to another host, then run it again.",
    ),
    (
        (errno.EIO,),
        "the disk does not answer as it should",
        "Look at the disk and at the kernel's log before anything else.",
    ),
)
SHORTAGES = frozenset(number for numbers, _meaning, _cure in _SHORTAGES for number in numbers)
"""Errors of the operating system that are no answer to what was asked, but say what the host lacks."""

_DENIALS = (errno.EACCES, errno.EPERM)


def refused(tried: str, error: OSError) -> FleetError:
    """The error for what the operating system refused."""
    place = f" on {error.filename}" if error.filename else ""
    said = f"{error.strerror or error}{place}"
    for numbers, meaning, cure in _SHORTAGES:
        if error.errno in numbers:
            return FleetError(tried, f"{meaning} ({said})", cure)
    if error.errno in _DENIALS:
        return FleetError(
            tried, f"it is not allowed ({said})", "Let the user of the run own it, or run as root (become)."
        )
    return FleetError(tried, said, "Look at that file and its disk, then run it again.")


def understood(tried: str, error: Exception) -> FleetError:
    """Any error as one that an operator can act on; what nobody foresaw is a defect, and says where."""
    if isinstance(error, FleetError):
        return error
    if isinstance(error, OSError):
        return refused(tried, error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
    return FleetError(tried, said, "This is a defect of mcpops.fleet: report it with this line.")


@contextmanager
def explained(tried: str) -> Iterator[None]:
    """Let what the operating system refuses within be a FleetError."""
    try:
        yield
    except OSError as error:
        raise refused(tried, error) from error
