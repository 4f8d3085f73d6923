# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of package can do on a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .bundle import Shipped
from .closure import Closure
from .installation import Installation
from .package import Package

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """How a release is started: an argv prefix, and variables that the definition's own go over."""

    argv: Argv
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What a definition says that counts for how a package of some kinds is started.

    :param command: the program that it names.
    :param user_config: values for what the package lets its user configure.
    :param variables: names of environment variables that the server is given, credentials included.
    """

    command: str | None = None
    user_config: Mapping[str, Any] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()


class Kind(Protocol):
    """Installs and starts packages of one kind. All raise FleetError."""

    @property
    def cure(self) -> str:
        """What to write when a package has no program that could be told to be the server."""

    def resolve(self, work: Installation, staging: Path) -> Closure:
        """The exact closure, asked for on the host; ``staging`` is a folder of its own."""

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Install what the closure names, and nothing else, into ``target``.

        :param shelf: a folder with what a bundle had (see ``shelved``).
        """

    def shelved(self, shelf: Path, item: Shipped) -> Path:
        """Where ``place`` looks for an artifact of a bundle."""

    def executables(self, package: Package, target: Path) -> dict[str, Argv]:
        """The package's own programs, with RELEASE and NODE standing for the directory and for Node.js."""

    def other_executable(self, release: Path, name: str) -> Argv | None:
        """A program that is not the package's own, or that only its name in the definition makes one."""

    def runtime(self, target: Path) -> dict[str, Argv]:
        """The interpreters, which can be asked for by name too."""

    def versions(self, work: Installation, target: Path) -> dict[str, str]:
        """The versions of the tools that installed."""

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """How the package itself says that it is started; None where it does not."""
