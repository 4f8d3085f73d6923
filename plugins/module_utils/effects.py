# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam through which every change of a host goes.

All that alters files, processes or the edge is an *act* of an ``Effects`` object, so that a test can
stop, fail or count each of them without a list of them having been written by hand.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import select
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from .errors import SHORTAGES, FleetError, refused

T = TypeVar("T")

OUTPUT_LIMIT = 64 * 1024
"""Bytes of a command's output that are kept: its end, where the reason stands."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Completed:
    """How a command ended; ``stdout`` and ``stderr`` are the last OUTPUT_LIMIT bytes as text."""

    returncode: int
    stdout: str
    stderr: str

    def reason(self) -> str:
        """The last lines that say why it failed."""
        text = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return (
            " | ".join(line.strip() for line in text[-6:] if line.strip()) or f"exit code {self.returncode}"
        )


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Let the kernel end the child when we are killed: nobody else would."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - OUTPUT_LIMIT))
    return stream.read().decode("utf-8", "replace")


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(data)
    stream.flush()


_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def _append(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, _APPENDING, mode)
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            os.fchmod(descriptor, mode)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make a directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Effects:
    """The real host. Subclasses override ``act`` to watch or to interfere."""

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform one act; ``name`` says what kind it is, ``target`` on what.

        :raises FleetError: when the host lacks what it takes; other errors are left to who asked for the act.
        """
        try:
            return function()
        except OSError as error:
            if error.errno in SHORTAGES:
                raise refused(f"{name} {target}", error) from error
            raise

    def write_file(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Replace a file so that after a crash it has either the old or the new content."""
        descriptor, name = self.act(
            "create",
            str(path),
            lambda: tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent),
        )
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                self.act("write", str(path), lambda: _write(stream, data))
                self.act("fsync", str(path), lambda: os.fsync(stream.fileno()))
            self.act("rename", str(path), lambda: os.replace(temporary, path))
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        self.act("fsync", str(path.parent), lambda: sync_directory(path.parent))

    def append(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Add to the end of a file, durable; it is made where it is not there.

        A crash leaves nothing or a part of it at the end; what cannot be written whole is taken back.
        """
        if not path.exists() or path.stat().st_size == 0:
            # Names first, those of a killed writer too: what was once read there must not go with them.
            self.act("touch", str(path), lambda: os.close(os.open(path, _APPENDING, mode)))
            for folder in (path.parent, path.parent.parent):
                self.act("fsync", str(folder), functools.partial(sync_directory, folder))
        self.act("append", str(path), lambda: _append(path, data, mode))

    def make_directory(self, path: Path, mode: int = 0o755) -> None:
        """Create a directory and its parents where they are missing; durable."""
        if path.is_dir():
            return
        self.make_directory(path.parent)

        def create() -> None:
            path.mkdir(exist_ok=True)
            path.chmod(mode)

        self.act("mkdir", str(path), create)
        self.act("fsync", str(path.parent), lambda: sync_directory(path.parent))

    def link(self, path: Path, target: str) -> None:
        """Point the symbolic link ``path`` to ``target`` in one step."""
        temporary = path.parent / f".{path.name}.{os.getpid()}.new"
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        self.act("symlink", str(temporary), lambda: temporary.symlink_to(target))
        self.act("rename", str(path), lambda: os.replace(temporary, path))
        self.act("fsync", str(path.parent), lambda: sync_directory(path.parent))

    def remove_file(self, path: Path) -> None:
        """Remove a file or link; nothing happens when it is not there."""
        if not path.is_symlink() and not path.exists():
            return
        self.act("unlink", str(path), path.unlink)
        self.act("fsync", str(path.parent), lambda: sync_directory(path.parent))

    def remove_tree(self, path: Path) -> None:
        """Remove a directory with all below it, read-only directories included; links are not followed."""
        if path.is_symlink() or not path.is_dir():
            return

        def remove() -> None:
            if os.geteuid() != 0:
                _open_all(path)
            # However deep it is, which Python's own does not manage.
            done = subprocess.run(["rm", "-rf", "--", str(path)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise OSError(done.stderr.strip().rpartition("\n")[2])

        self.act("rmtree", str(path), remove)
        self.act("fsync", str(path.parent), lambda: sync_directory(path.parent))

    def rename(self, old: Path, new: Path) -> None:
        """Move within one filesystem; durable."""
        self.act("rename", f"{old} -> {new}", lambda: os.replace(old, new))
        for folder in dict.fromkeys((new.parent, old.parent)):
            self.act("fsync", str(folder), functools.partial(sync_directory, folder))

    def sync_filesystem(self, path: Path) -> None:
        """Make all that was written to the filesystem of ``path`` durable (syncfs(2))."""

        def sync() -> None:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if _libc().syncfs(descriptor) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
            finally:
                os.close(descriptor)

        self.act("syncfs", str(path), sync)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Completed:
        """Run a command to its end, or to ``timeout`` seconds, after which its process group is killed.

        The command ends with us when we are killed. ``environment`` is added to our own.
        Raises FleetError when it cannot be started or does not end in time.
        """
        return self.act("run", argv[0], lambda: self._run(argv, timeout, environment, directory))

    def _run(
        self,
        argv: Sequence[str],
        timeout: float,
        environment: Mapping[str, str] | None,
        directory: Path | None,
    ) -> Completed:
        # Between fork and exec nothing may be loaded: other threads may hold the loader's lock.
        _libc()
        shown = " ".join(argv[:3]) + (" …" if len(argv) > 3 else "")
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            try:
                process = subprocess.Popen(
                    list(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env={**os.environ, **(environment or {})},
                    cwd=directory,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            except OSError as error:
                if error.errno in SHORTAGES:
                    raise
                raise FleetError(
                    f"run {shown}", str(error), "Install it or correct its path (the role host does)."
                ) from error
            try:
                _wait(process, timeout)
            except subprocess.TimeoutExpired as error:
                raise FleetError(
                    f"run {shown}",
                    f"it did not end within {timeout:g} s",
                    "It was stopped. Look for what it waits for, or raise the time limit.",
                ) from error
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            return Completed(process.returncode, _tail(stdout), _tail(stderr))


def _wait(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Wait for the end of a process; ``wait`` itself looks only every 50 ms (before Python 3.15).

    :raises subprocess.TimeoutExpired: when it does not end within so many seconds.
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # a Linux before 5.3, a Python built there, or a sandbox
        process.wait(timeout)
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        # None and a negative number would be for ever; more than this many milliseconds are refused.
        if not ended.poll(min(max(timeout, 0) * 1000, 2**31 - 1)):
            raise subprocess.TimeoutExpired(process.args, timeout)
    finally:
        os.close(descriptor)
    process.wait()


def _open_all(top: Path) -> None:
    """Let their owner list and empty all folders below ``top``, before they are listed."""
    _open_up(top)
    # Deeper than this only root and whoever has access already remove it.
    with contextlib.suppress(RecursionError):
        for folder, names, _files in os.walk(top):
            for name in names:
                _open_up(Path(folder, name))


def _open_up(folder: Path) -> None:
    """Let its owner list and empty a folder; one of somebody else's stays as it is."""
    mode = os.lstat(folder).st_mode
    if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(PermissionError):
            os.chmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)
