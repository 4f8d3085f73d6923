# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes by id and start time, so that an id that another process got meanwhile is never hit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .command import LabError, environment

# Each process writes its own id down before it becomes another program: nothing runs that is not on record.
# $0 is the file for it; then come control groups to join, `--`, and the program.
_NOTE = 'echo "$$ $(cut -d " " -f 22 /proc/$$/stat)" >> "$0"'
_AGAIN = 133
"""What systemd-nspawn ends with when its host wants to boot again (and --keep-unit was given)."""
_BOOT = f"""
{_NOTE}
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
shift
ended={_AGAIN}
while [ $ended = {_AGAIN} ]; do
    ended=0
    /bin/sh -euc '{_NOTE}; exec "$@"' "$0" "$@" || ended=$?
done
"""


def start(argv: Sequence[str], *, record: Path, cgroups: Sequence[str], output: Path) -> None:
    """Start a program in a session of its own; ids and start times go to the file ``record``."""
    record.unlink(missing_ok=True)
    boot = ["setsid", "--fork", "/bin/sh", "-euc", _BOOT, str(record), *cgroups, "--", *argv]
    with output.open("ab") as stream:
        subprocess.run(
            boot,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment(),
            check=True,
        )
    until = time.monotonic() + 60
    while not (record.is_file() and record.read_text("ascii").count("\n") > 1):
        if time.monotonic() > until:
            raise LabError(f"{argv[0]} did not start within 60 s; see {output}")
        time.sleep(0.01)


def alive(record: Path) -> bool:
    """Whether a process that is on record runs."""
    return bool(_recorded(record))


def end(record: Path, *, within: float = 10) -> None:
    """Kill the processes on record, and wait until they are gone: ``within`` seconds, or LabError."""
    until = time.monotonic() + within
    while pids := _recorded(record):
        if time.monotonic() > until:
            raise LabError(f"process {pids[0]} does not end; see /proc/{pids[0]}/stack")
        for pid in pids:
            kill(pid)
        time.sleep(0.02)
    record.unlink(missing_ok=True)


def kill(pid: int) -> None:
    """SIGKILL, if there is such a process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _recorded(record: Path) -> list[int]:
    """The processes on record that run, first the one that starts the others."""
    try:
        noted = [line.split() for line in record.read_text("ascii").splitlines()]
    except FileNotFoundError:
        return []
    return [int(pid) for pid, started in noted if _started(pid) == started]


def _started(pid: str) -> str:
    """When the process started, in ticks since the machine did; empty when it has ended."""
    try:
        # The name in parentheses may hold spaces; the state is the first field after it, the start the 20th.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
