# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder or an archive of the controller: its content as it is, with what its own lock files name."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FleetError
from . import content
from .bundle import Shipped
from .closure import Closure
from .entrypoints import NODE, RELEASE, npm_command, npm_programs
from .installation import Installation
from .kind import Argv, Program, Settings
from .npm import Npm, first_line, package_json
from .package import Package, Tools
from .pypi import Pypi

CONTENT = "content"
LOCK_FILES = ("package-lock.json", "requirements.txt")
"""What names exactly what the content depends on."""

_PYTHON_FILES = ("requirements.txt", "pyproject.toml", "setup.py")
_NODE_SUFFIXES = (".js", ".mjs", ".cjs")
_USUAL = ("server.py", "main.py", "__main__.py", "server.js", "index.js", "server.mjs", "index.mjs")


class Local:
    """Installs content with the host's own runtimes: Python in a venv, Node.js, or a program in it."""

    cure = "Set `command:` to the file in it that is the server, such as server.py, or to python or node."

    def __init__(self, tools: Tools, npm: Npm, pypi: Pypi) -> None:
        self._tools = tools
        self._npm = npm
        self._pypi = pypi

    def resolve(self, work: Installation, staging: Path) -> Closure:
        """There is nothing to ask: the content is shipped."""
        raise FleetError(
            f"install {work.package}", "the host cannot fetch it", "Let the task mcp_update ship it."
        )

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Unpack the content, and install beside it what its lock files name."""
        if shelf is None:
            raise FleetError(f"install {work.package}", "it was not shipped", "Run mcp_update again.")
        content.unpack(work.effects, shelf / CONTENT, target / CONTENT)
        home = home_of(target)
        locked = sorted(set(LOCK_FILES) & set(closure.files))
        if locked and not work.registry:
            raise FleetError(
                f"install {work.package}",
                f"its {locked[0]} names what has to come from a registry, and none is to be asked",
                "Let such hosts ask one (mcp_release_source: registry), or put all that it needs into it.",
            )
        if "package-lock.json" in locked:
            _refuse_settings(work.package, home)
            self._npm.place(work, closure, home)
        if self._is_python(target):
            self._pypi.place_beside(work, closure, target, [home, *_sources(home)])

    def shelved(self, shelf: Path, item: Shipped) -> Path:
        """Where ``place`` looks for the content."""
        return shelf / CONTENT

    def executables(self, package: Package, target: Path) -> dict[str, Argv]:
        """What its package.json names as programs, else the only file that is called as servers are."""
        home = home_of(target)
        names = {name: path for name, path in _declared(home).items() if (home / path).is_file()}
        usual = [name for name in _USUAL if (home / name).is_file()]
        if not names and len(usual) == 1:
            names = {usual[0]: usual[0]}
        found = {name: self._argv(target, home / path) for name, path in names.items()}
        return {name: _recorded(argv, target) for name, argv in found.items() if argv}

    def other_executable(self, release: Path, name: str) -> Argv | None:
        """A file of the content by its path there; else a program that a dependency brings."""
        home = home_of(release)
        place = home / name
        if ".." not in Path(name).parts and place.is_file():
            return self._argv(release, place)
        return self._pypi.other_executable(release, name) or self._npm.other_executable(home, name)

    def runtime(self, target: Path) -> dict[str, Argv]:
        """Node.js where the host has it; Python where the content is of it."""
        python = self._pypi.runtime(target) if (target / "venv").is_dir() else {}
        return {**({"node": (NODE,)} if self._tools.node else {}), **python}

    def versions(self, work: Installation, target: Path) -> dict[str, str]:
        """The versions of the tools that installed."""
        return self._pypi.versions(work, target) if (target / "venv").is_dir() else {}

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """Its programs are found by their names."""
        return None

    def versions_here(self, work: Installation, target: Path) -> tuple[str | None, str | None]:
        """The versions of Node.js and Python with which a release runs; None for one that is not there."""
        node = self._tools.node
        asked = work.run("node", [node, "--version"], directory=target).stdout.strip() if node else None
        return asked and asked.lstrip("v"), self.versions(work, target).get("python")

    def _is_python(self, target: Path) -> bool:
        """Whether the content has what runs in a venv."""
        home = home_of(target)
        return any((home / name).is_file() for name in _PYTHON_FILES) or any(home.glob("*.py"))

    def _argv(self, release: Path, place: Path) -> Argv | None:
        """How a file is run: by its suffix, else by its first line, if it may be run at all."""
        python = release / "venv" / "bin" / "python"
        if place.suffix in _NODE_SUFFIXES:
            return (NODE, str(place))
        if python.exists() and (place.suffix == ".py" or "python" in _interpreter(place)):
            return (str(python), str(place))
        return npm_command(str(place), first_line(place)) if os.access(place, os.X_OK) else None


def _refuse_settings(package: Package, home: Path) -> None:
    """Raise FleetError for content that would tell the host's npm which programs to run (``git=…``)."""
    if os.path.lexists(home / ".npmrc"):
        raise FleetError(
            f"install {package}",
            "it has an .npmrc, which npm would follow with the rights of who installs",
            "Remove it from the content; settings of registries belong on the host.",
        )


def home_of(target: Path) -> Path:
    """The folder of a release that has the content: an archive's only folder is not one of its own."""
    folder = target / CONTENT
    inside = list(folder.iterdir()) if folder.is_dir() else []
    return inside[0] if len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink() else folder


def _sources(home: Path) -> list[Path]:
    return [home / "src"] if (home / "src").is_dir() else []


def _declared(home: Path) -> dict[str, str]:
    return npm_programs(package_json(home) or {})


def _interpreter(place: Path) -> str:
    line = first_line(place)
    return line if line.startswith("#!") else ""


def _recorded(argv: Argv, target: Path) -> Argv:
    """An argv with RELEASE standing for the directory."""
    return tuple(
        f"{RELEASE}{word[len(str(target)) :]}" if word.startswith(f"{target}/") else word for word in argv
    )
