# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disposable process: started for one probe, and ended with all that it started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .silence import OUTAGE, NoReply
from .targets import StdioTarget

GRACE_SECONDS = 2.0
"""How long a process may take to end by itself once its stdin is closed; well-behaved servers need 0.4."""

_TERM_SECONDS = 0.3
_KILL_SECONDS = 0.2
_TICK = 0.02
_PIECE = 64 * 1024
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class _Relative:
    """A process that was seen; a pid can be given anew, a pid with its start time cannot."""

    pid: int
    parent: int
    group: int
    session: int
    started: str


def _processes() -> Iterator[_Relative]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if name.isdigit():
            seen = _look(int(name))
            if seen is not None:
                yield seen


def _look(pid: int) -> _Relative | None:
    """A live process of /proc (proc(5), stat); None when it has ended, waited for or not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return _Relative(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[19].decode())


def _family(leader: int) -> set[_Relative]:
    """The live processes that a leader started, or that are of its group or session; not itself."""
    everyone = [one for one in _processes() if one.pid != leader]
    found = {one for one in everyone if leader in (one.group, one.session, one.parent)}
    grown = True
    while grown:
        pids = {one.pid for one in found}
        more = {one for one in everyone if one.parent in pids} - found
        found |= more
        grown = bool(more)
    return found


def _die_with(parent: int) -> Callable[[], None]:
    library = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        with contextlib.suppress(AttributeError):
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class DisposableProcess:
    """A process in a session of its own, with pipes that never block us; whoever makes one calls ``end``."""

    def __init__(self, target: StdioTarget) -> None:
        """Start it; raises NoReply when that fails."""
        try:
            self._process = subprocess.Popen(
                list(target.argv),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(target.environment),
                cwd=target.directory,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number else type(error).__name__
            where = f" in {target.directory}" if getattr(error, "filename", None) == target.directory else ""
            raise NoReply(OUTAGE, f"{target.place()} could not be started{where}: {reason}") from None
        self.pid = self._process.pid
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self.stdin, self.stdout, self.stderr = (stream.fileno() for stream in streams if stream is not None)
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(descriptor, False)

    def has_ended(self) -> bool:
        """Whether it has; it is not waited for yet, so that its pid and group stay its own."""
        return self._status() is not None

    def how_it_ended(self) -> str | None:
        """``exited with code 3`` or ``ended by SIGSEGV``; None while it runs."""
        status = self._status()
        if status is None:
            return None
        code, number = status
        if code == os.CLD_EXITED:
            return f"exited with code {number}"
        try:
            return f"ended by {signal.Signals(number).name}"
        except ValueError:
            return f"ended by signal {number}"

    def _status(self) -> tuple[int, int] | None:
        try:
            status = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return os.CLD_EXITED, self._process.returncode or 0
        return (status.si_code, status.si_status) if status is not None else None

    def close_stdin(self) -> None:
        """Tell it that there is nothing more to come."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def end(self, grace: float = GRACE_SECONDS) -> None:
        """End it and what it started: close stdin, wait ``grace`` seconds, SIGTERM to the group, SIGKILL.

        Returns within ``grace`` + 0.5 s with no process left and every descriptor closed.
        """
        family = _family(self.pid)
        self.close_stdin()
        self._drain_until(self.has_ended, grace)
        family |= _family(self.pid)

        def gone() -> bool:
            return self.has_ended() and not any(_look(one.pid) == one for one in family)

        if not gone():
            self._signal(family, signal.SIGTERM)
            self._drain_until(gone, _TERM_SECONDS)
            self._signal(family | _family(self.pid), signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _signal(self, family: set[_Relative], number: int) -> None:
        # The leader is not waited for yet, so its group's number cannot have been given to another.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for one in family:
            now = _look(one.pid)
            if now is not None and now.started == one.started and now.group != self.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one.pid, number)

    def _drain_until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait, and let nobody hang on a full pipe meanwhile."""
        until = time.monotonic() + seconds
        poll = select.poll()
        for descriptor in (self.stdout, self.stderr):
            poll.register(descriptor, select.POLLIN)
        while not done() and time.monotonic() < until:
            for descriptor, _event in poll.poll(int(_TICK * 1000)):
                try:
                    ended = not os.read(descriptor, _PIECE)
                except BlockingIOError:
                    ended = False
                except OSError:
                    ended = True
                if ended:
                    poll.unregister(descriptor)
