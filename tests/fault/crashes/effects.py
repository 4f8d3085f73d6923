# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects that interfere: they kill the module at one act, or let somebody else do harm there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects

T = TypeVar("T")


class Counting(Effects):
    """Notes each act in a file, so that one knows afterwards how many there were and which was the last."""

    def __init__(self, log: Path) -> None:
        self.count = 0
        self._log = log.open("a", encoding="utf-8", buffering=1)

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform an act, after noting it; an act within an act counts as well."""
        self.count += 1
        self._log.write(f"{self.count} {name} {target}\n")
        self.before(name, target)
        result = super().act(name, target, function)
        self.after(name, target)
        return result

    def before(self, name: str, target: str) -> None:
        """Called when an act is about to be performed."""

    def after(self, name: str, target: str) -> None:
        """Called when an act was performed."""


class Killing(Counting):
    """SIGKILL to the own process just before the act with the number ``at``.

    After the act before it is the same moment: nothing is done between two acts. The number behind the last
    act is reached by nobody, so that the end of the operation is a point as well.
    """

    def __init__(self, log: Path, at: int) -> None:
        super().__init__(log)
        self._at = at

    def before(self, name: str, target: str) -> None:
        """Kill, where it is time."""
        if self.count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


class Harming(Counting):
    """SIGKILL to other processes just before an act; the module itself goes on."""

    def __init__(self, log: Path, at: int, victims: list[int]) -> None:
        super().__init__(log)
        self._at = at
        self._victims = victims

    def before(self, name: str, target: str) -> None:
        """Kill them, where it is time."""
        if self.count == self._at:
            for pid in self._victims:
                os.kill(pid, signal.SIGKILL)
