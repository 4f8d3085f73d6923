# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One installation under way: its package, its time limit, and the commands run for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from ..effects import Completed, Effects
from ..errors import FleetError
from .failures import without_secrets
from .package import Package


class Installation:
    """Runs commands for one package within ``timeout`` seconds for all of them together.

    :param scripts: whether lifecycle scripts of the packages run (npm; off unless asked for).
    :param registry: whether what it depends on may be fetched from a registry.
    :param source: where the controller has, or gets, the content of what is in no registry.
    """

    def __init__(
        self,
        effects: Effects,
        package: Package,
        timeout: float,
        *,
        scripts: bool = False,
        registry: bool = True,
        source: str | None = None,
    ) -> None:
        self.effects = effects
        self.package = package
        self.scripts = scripts
        self.registry = registry
        self.source = source
        self.timeout = timeout
        self._deadline = monotonic() + timeout

    def left(self) -> float:
        """Seconds until the time limit, 0 or less when it is over."""
        return self._deadline - monotonic()

    def run(
        self, tool: str, argv: Sequence[str], *, directory: Path, environment: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a command to its end; ``tool`` is its name in errors. Raises FleetError past the time limit."""
        left = self.left()
        if left <= 0:
            raise self.too_late(tool)
        try:
            return self.effects.run(argv, timeout=left, environment=environment, directory=directory)
        except FleetError as error:
            if self.left() <= 0:
                raise self.too_late(tool) from error
            raise FleetError(
                f"install {self.package}", without_secrets(f"{error.tried}: {error.came_back}"), error.cure
            ) from error

    def too_late(self, step: str) -> FleetError:
        """The error for a time limit that is over."""
        return FleetError(
            f"install {self.package}",
            f"{step} did not end within the time limit of {self.timeout:g} s",
            "It was stopped and what it left was removed. Look at the registry's speed, or raise the limit.",
        )
