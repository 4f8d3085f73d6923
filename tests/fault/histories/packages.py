# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the made-up registry: what a version does is in its name. Installing them is an effect."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release import manifest
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Closure
from ansible_collections.mcpops.fleet.plugins.module_utils.release.entrypoints import RELEASE
from ansible_collections.mcpops.fleet.plugins.module_utils.release.manifest import Release
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from ansible_collections.mcpops.fleet.plugins.module_utils.release.standing import LOCKS

from .clock import Clock

GOOD = ("1.0.0", "2.0.0", "3.0.0")
NEVER_READY = (
    "9.0.0-can-not-be-installed",
    "9.0.0-dies-at-start",
    "9.0.0-listens-on-nothing",
    "9.0.0-speaks-no-mcp",
    "9.0.0-lacks-the-tool",
)
BAD_IN_USE = ("9.0.0-dies-in-use", "9.0.0-fails-in-use", "9.0.0-loses-the-tool-in-use")
VERSIONS = (*GOOD, *NEVER_READY, *BAD_IN_USE)

PROGRAM = "program"


class SimulatedReleases(Releases):
    """Installs by the order of effects that the real one has: files, sync, manifest last."""

    def __init__(self, effects: Effects, root: Path, clock: Clock) -> None:
        super().__init__(effects, root, root, Tools())
        self._clock = clock

    def find(self, package: Package, *, scripts: bool = False) -> Release | None:
        """The release of exactly this version."""
        return self.at(self._place(package))

    def at(self, path: Path) -> Release | None:
        """The release in this directory, when it is whole."""
        return manifest.read(path, None)

    def all(self) -> list[Release]:
        """Every whole release."""
        found = (self.at(path) for path in sorted(self._root.glob("*/*/*")))
        return [release for release in found if release]

    def install(
        self, package: Package, *, timeout: float, scripts: bool = False, bundle: Path | None = None
    ) -> Release:
        """Install what is not there yet."""
        found = self.find(package)
        if found:
            return found
        if "can-not-be-installed" in package.version:
            raise FleetError(f"install {package}", "the registry has none", "Name another version.")
        target = self._place(package)
        self._effects.make_directory(self._root / LOCKS)
        self._effects.remove_tree(target)
        try:
            self._effects.make_directory(target)
            self._effects.act("run", "install", lambda: (target / PROGRAM).write_text(package.version))
            self._clock.advance(1.0)
            self._effects.sync_filesystem(target)
            self._effects.write_file(target / manifest.NAME, self._manifest(package), 0o444)
        except FleetError:
            shutil.rmtree(target)
            raise
        release = self.at(target)
        assert release
        return release

    def command(self, release: Release, name: str | None = None) -> tuple[str, ...]:
        """The argv prefix of the one program that each has."""
        return release.executables["box"]

    def _manifest(self, package: Package) -> bytes:
        installed = datetime.fromtimestamp(self._clock.now().wall, UTC)
        return manifest.compose(
            Closure(package, ()),
            installed_at=installed.isoformat(),
            executables={"box": (f"{RELEASE}/{PROGRAM}",)},
            default_executable="box",
            size_bytes=1,
            file_count=1,
            tools={},
            node=None,
            source="registry",
        )

    def _place(self, package: Package) -> Path:
        name = manifest.folder_name(package, Closure(package, ()).digest)
        return self._root / package.registry_type / package.folder / name


def version_in(path: Path) -> str | None:
    """The version whose program stands there; None when it can not be started."""
    release = manifest.read(path.parent, None)
    return release.package.version if release and path.name == PROGRAM else None
