# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the machine's programs; say what was tried when one of them fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class LabError(Exception):
    """What the lab tried, what came back, and what to do."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the folders of the system's programs on the path."""
    return {**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    *argv: str, given: str | None = None, extra: Mapping[str, str] | None = None, timeout: float = 60
) -> str:
    """Run within ``timeout`` seconds; the standard output. Raises LabError unless it ends with 0."""
    try:
        done = subprocess.run(
            argv,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment(extra),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{' '.join(argv)}: {error}") from error
    if done.returncode:
        came_back = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise LabError(f"{' '.join(argv)}: ended with {done.returncode}: {' | '.join(came_back)}")
    return done.stdout


def works(*argv: str, timeout: float = 60) -> bool:
    """Whether the program ends with 0."""
    return not failure(argv, timeout=timeout)


def failure(argv: Sequence[str], *, timeout: float = 60) -> str:
    """What the program said when it failed; empty when it ended with 0."""
    try:
        run(*argv, timeout=timeout)
    except LabError as error:
        return str(error)
    return ""
