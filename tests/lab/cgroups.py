# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group for each host, where no systemd of the machine's own hands them out.

systemd-nspawn's --keep-unit gives the control group of whoever starts it to the host. Hosts that shared
one would end each other's services.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from .command import LabError

_MOUNTS = Path("/proc/self/mountinfo")
# A new group takes no process before its processors are named; systemd has no use for it.
_LEFT_OUT = frozenset({"cpuset"})


def names(name: str) -> list[str]:
    """The paths that the host's groups get: one below this process's own in each hierarchy."""
    own = _own()
    result = []
    for line in _MOUNTS.read_text("utf-8").splitlines():
        before, _separator, after = line.partition(" - ")
        _id, _parent, _device, root, point = before.split()[:5]
        kind, _source, options = after.split()[:3]
        if kind not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset() if kind == "cgroup2" else frozenset(options.split(","))
        for held, path in own:
            here = held <= controllers if held else kind == "cgroup2"
            if here and not held & _LEFT_OUT:
                result.append(os.path.join(point, os.path.relpath(path, root), name))
    return [os.path.normpath(path) for path in result]


def make(paths: list[str]) -> None:
    """Make the groups."""
    for path in paths:
        os.makedirs(path, exist_ok=True)


def remove(paths: list[str], *, within: float = 60) -> None:
    """Remove the groups and those below them. LabError after ``within`` seconds.

    A process that has ended is in its group until its parent has asked for it, and the parent of what the
    lab starts is the machine's first process.
    """
    until = time.monotonic() + within
    while left := [path for path in paths if not _removed(path)]:
        if time.monotonic() > until:
            raise LabError(f"{left[0]} cannot be removed; see which processes are in its cgroup.procs")
        time.sleep(0.1)


def _removed(path: str) -> bool:
    for folder, _folders, _files in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not os.path.isdir(path)


def _own() -> list[tuple[frozenset[str], str]]:
    lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    parts = [line.split(":", 2) for line in lines]
    return [(frozenset(filter(None, controllers.split(","))), path) for _id, controllers, path in parts]
