# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles of the MCP registry (MCPB): a zip whose manifest.json says what starts it."""

from __future__ import annotations

from pathlib import Path

from ..errors import FleetError
from .closure import Closure
from .entrypoints import NODE
from .installation import Installation
from .kind import Argv, Program, Settings
from .local import CONTENT, Local
from .mcpb_manifest import MANIFEST, Manifest, read_manifest, require_runtime
from .mcpb_values import filled_arguments, filled_environment, values_of
from .package import Package

_PYTHON = ("python", "python3")


class Mcpb(Local):
    """Installs a bundle as it is: what it depends on is in it, or locked in it."""

    cure = "Set `command:` to the file in it that is the server, or leave it out: its manifest says how."

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Unpack the bundle and see that this host has what it asks for."""
        super().place(work, closure, target, shelf)
        manifest = _manifest(target)
        node, python = self.versions_here(work, target)
        require_runtime(work.package, manifest, {"node": node, "python": python})
        program = _file_of(target / CONTENT, manifest.command) if manifest.type == "binary" else None
        if program:
            work.effects.act("chmod", str(program), lambda: program.chmod(0o755))

    def executables(self, package: Package, target: Path) -> dict[str, Argv]:
        """None by name: its manifest says what starts it."""
        return {}

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """The manifest's mcp_config, filled with the definition's user_config."""
        manifest = _manifest(release)
        values = values_of(manifest, settings)
        if settings.command:
            return None
        home = release / CONTENT
        return Program(
            (*self._command(release, manifest), *filled_arguments(manifest, values, home)),
            filled_environment(manifest, values, home, settings.variables),
        )

    def _is_python(self, target: Path) -> bool:
        return _manifest(target).is_python

    def _command(self, release: Path, manifest: Manifest) -> Argv:
        """What runs it: an interpreter of the host, or a file of the bundle."""
        python, home = str(release / "venv" / "bin" / "python"), release / CONTENT
        if manifest.type == "uv":
            return (python, str(home / manifest.entry_point))
        if manifest.command == "node":
            return (NODE,)
        if manifest.command in _PYTHON:
            return (python,)
        if _file_of(home, manifest.command) is None:
            raise FleetError(
                f"start the bundle {manifest.name}",
                f"its command is {manifest.command!r}, which is no file in it and neither node nor python",
                "Name the file that is the server in `command:`, or use a bundle that has all that it runs.",
            )
        return (str(home / manifest.command),)


def _file_of(home: Path, name: str) -> Path | None:
    """A file of the bundle where it really is; None for what is none, or is elsewhere."""
    place = (home / name).resolve()
    return place if place.is_file() and place.is_relative_to(home.resolve()) else None


def _manifest(release: Path) -> Manifest:
    path = release / CONTENT / MANIFEST
    return read_manifest(path.read_bytes() if path.is_file() else None)
