# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One gate: the commands that decide it, and what in their output fails it although they ended well."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

Command = Sequence[str]

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

LOOK = 0.25
"""Seconds between two looks at whether to go on."""

LAST_WORDS = 30.0
"""Seconds that a command has to clean up after it was told to end."""


@dataclass(frozen=True)
class Gate:
    """Commands that run in ``folder``, one after the other, until one fails.

    ``forbidden`` is a regular expression: a line of output in which it is found fails the gate, whatever the
    exit code was (a tool that only warns, a test that was skipped). Lines in which ``noted`` is found are
    told beside the result. ``live`` shows the output while it comes; that of other gates shows when they
    fail. ``deadline`` is in seconds, for each command.
    """

    name: str
    folder: Path
    commands: Sequence[Command]
    environment: Mapping[str, str] = field(default_factory=dict)
    forbidden: str | None = None
    noted: str | None = None
    live: bool = False
    deadline: float = 900.0


@dataclass(frozen=True)
class Verdict:
    """How a gate ended: ``reason`` says why it failed and is empty when it passed."""

    gate: str
    reason: str
    seconds: float
    notes: Sequence[str] = ()


def judge(gate: Gate, log: Path, interrupt: threading.Event | None = None) -> Verdict:
    """Run a gate; all that its commands say goes to the file ``log``.

    :raises KeyboardInterrupt: when ``interrupt`` was set; what ran has ended then.
    """
    start, interrupt = time.monotonic(), interrupt or threading.Event()
    with log.open("wb") as sink:
        found = (_execute(gate, command, sink, interrupt) for command in gate.commands)
        reason = next(filter(None, found), "")
    output = COLOUR.sub("", log.read_text("utf-8", "replace")).splitlines()
    if not reason and (forbidden := _found(gate.forbidden, output)):
        reason = f"not allowed in the output: {forbidden[0]}"
    return Verdict(gate.name, reason, time.monotonic() - start, _found(gate.noted, output))


def _found(pattern: str | None, output: Sequence[str]) -> list[str]:
    return [line.strip() for line in output if pattern and re.search(pattern, line)]


def _execute(gate: Gate, command: Command, log: BinaryIO, interrupt: threading.Event) -> str:
    """Run a command; say why it fails the gate, or nothing."""
    log.write(f"$ {shlex.join(command)}\n".encode())
    try:
        process = subprocess.Popen(
            command,
            cwd=gate.folder,
            env={**os.environ, **gate.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return f"{command[0]} does not start: {error}"
    assert process.stdout
    end = time.monotonic() + gate.deadline
    with process.stdout as stream:
        try:
            while chunk := _read(stream.fileno(), end, interrupt):
                log.write(chunk)
                if gate.live:
                    sys.stdout.buffer.write(chunk)
                    sys.stdout.buffer.flush()
            code = process.wait(max(0.0, end - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            _stop(process)
            return f"{command[0]}, or a process that it left behind, still ran after {gate.deadline:.0f} s"
        except BaseException:
            _stop(process)
            raise
    return f"{command[0]} ended with exit code {code}" if code else ""


def _read(descriptor: int, end: float, interrupt: threading.Event) -> bytes:
    """What the command wrote next; empty at its end. Raises TimeoutError when it runs beyond ``end``."""
    while True:
        if interrupt.is_set():
            raise KeyboardInterrupt
        if time.monotonic() > end:
            raise TimeoutError
        if select.select([descriptor], [], [], LOOK)[0]:
            return os.read(descriptor, 65536)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the command with all of its process group; tests get the time to take down what they started."""
    os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LAST_WORDS)
    # A shell's background jobs ignore SIGINT.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
