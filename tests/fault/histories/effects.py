# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam of ``Effects``, at each act of which something else may happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects

from .disk import Disk

T = TypeVar("T")


class Killed(BaseException):
    """The run is gone: nothing of it catches this, and nothing it does from here on has an effect."""


class Watched(Effects):
    """Calls ``between`` before and after each act, and tells the disk of it.

    :param between: gets what the point is called; it may raise ``Killed``.
    """

    def __init__(self, disk: Disk, between: Callable[[str], None]) -> None:
        self._disk = disk
        self._between = between
        self.acts = 0

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """One act, with what comes in between."""
        self._between(f"before {name} {target}")
        result = function()
        self.acts += 1
        self._disk.acted(name, target, result)
        self._between(f"after {name} {target}")
        return result
