# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's bundles: made once for each package version and kind of host, then shipped to all."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError, refused
from . import bundle, tree
from .bundle import Bundle
from .contents import Contents, Folders, Images, Registered
from .fetching import Archives, Wheels
from .installation import Installation
from .lock import Lock
from .locking import locked
from .package import Package, Tools
from .target import Target, target_of

FOLDER = "~/.cache/mcpops/bundles"
"""Where a controller keeps its bundles, unless told otherwise."""


class Bundles:
    """The bundles in ``folder``, each in a file named by its package and by what it was made for.

    What the tools fetched is kept beside them, in ``.archives``.
    """

    def __init__(self, effects: Effects, folder: Path, tools: Tools) -> None:
        self._effects = effects
        self._folder = folder
        self._tools = tools
        cache = folder / ".archives"
        self._sources: dict[str, Archives | Wheels | Contents | Images] = {
            "npm": Archives(tools, cache),
            "pypi": Wheels(tools, cache),
            "local": Folders(tools, cache),
            "mcpb": Registered(tools, cache),
            "oci": Images(),
        }

    def find(
        self, package: Package, target: Target, *, scripts: bool = False, lock: Lock | None = None
    ) -> Bundle | None:
        """A bundle that fits, also when it was made for another target; with a lock one of what it locks.

        Of several that which fits most hosts, so that as many as possible get the same release. One that
        cannot be used is as good as none.
        """
        found = []
        for path in self._folder.glob(f"{glob.escape(_name(package))}*.tar"):
            with contextlib.suppress(FleetError, OSError):
                made = bundle.read(path)
                same = lock is None or made.closure.digest == lock.closure.digest
                if same and (made.closure.package, made.closure.scripts) == (package, scripts):
                    found.append(made)
        fitting = [made for made in found if made.needs.misfit(target) is None]
        return min(fitting, key=lambda made: (made.needs.age(), made.path), default=None)

    def make(
        self,
        package: Package,
        target: Target,
        *,
        timeout: float,
        scripts: bool = False,
        source: str | None = None,
        lock: Lock | None = None,
    ) -> tuple[Bundle, bool]:
        """The bundle, made if it was not there or is damaged; and whether it was made.

        :param target: all of its parts are needed.
        :param timeout: seconds for all of it.
        :param source: where the content is, of a package that is in no registry.
        :param lock: what it is made of; without it that is resolved.
        Raises FleetError; then there is nothing of it left.
        """
        whole = self._whole(package, target, scripts, lock)
        if whole:
            return whole, False
        work = Installation(self._effects, package, timeout, scripts=scripts, source=source)
        path = self._path(package, target, scripts, lock)
        try:
            self._effects.make_directory(self._folder)
            tree.require_room(package, self._folder)
            with locked(work, self._folder / ".locks" / f"{_name(package)}.lock"):
                whole = self._whole(package, target, scripts, lock)
                if whole:
                    return whole, False
                self._make(work, path, target, lock)
                return bundle.read(path), True
        except FleetError as error:
            raise FleetError(
                f"bundle {package} for {target}", error.came_back, error.cure, error.server
            ) from error
        except OSError as error:
            raise refused(f"bundle {package} for {target}", error) from error

    def _path(self, package: Package, target: Target, scripts: bool, lock: Lock | None) -> Path:
        parts = [_name(package)]
        if package.sha256:
            return self._folder / f"{parts[0]}.tar"
        parts += [f"py{target.python}"] if package.registry_type == "pypi" else []
        parts += [str(target.machine), str(target.libc).replace(" ", ""), *(["scripts"] if scripts else [])]
        parts += [lock.closure.digest[:12]] if lock else []
        return self._folder / f"{'-'.join(parts)}.tar"

    def _whole(self, package: Package, target: Target, scripts: bool, lock: Lock | None) -> Bundle | None:
        """A bundle whose every byte was looked at; a damaged one is removed."""
        while found := self.find(package, target, scripts=scripts, lock=lock):
            try:
                bundle.verify(found)
                return found
            except FleetError:
                self._effects.remove_file(found.path)
        return None

    def _make(self, work: Installation, path: Path, target: Target, lock: Lock | None) -> None:
        with self._staging(path) as staging:
            locked = lock.closure if lock else None
            fetched = self._sources[work.package.registry_type].fetch(work, staging, target, locked)
            bundle.write(self._effects, path, fetched.closure, fetched.needs, fetched.artifacts)

    @contextlib.contextmanager
    def _staging(self, path: Path) -> Iterator[Path]:
        staging = self._folder / ".staging" / path.name
        try:
            self._effects.remove_tree(staging)
            self._effects.make_directory(staging)
            yield staging
        finally:
            with contextlib.suppress(FleetError, OSError):
                self._effects.remove_tree(staging)


def _name(package: Package) -> str:
    content = f"-{package.sha256[:12]}" if package.sha256 else ""
    return f"{package.registry_type}-{package.folder}-{package.version}{content}"


TOOLS: dict[str, dict[str, Any]] = {name: {"type": "path"} for name in ("uv", "node", "npm")}
"""Options of modules that resolve packages; the documentation fragment ``fleet.tools`` describes them."""


def tools_of(options: Mapping[str, Any]) -> Tools:
    """The programs that a module's options name (also ``python`` if it has that); others as they are here."""
    npm = (options["npm"],) if options["npm"] else ()
    return tools_here(Tools(options["uv"], options.get("python"), options["node"], npm))


def tools_here(given: Tools) -> Tools:
    """The programs that were named, and for the others those beside this Python or on the path."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    npm = shutil.which("npm", path=path)
    return replace(
        given,
        uv=given.uv or shutil.which("uv", path=path),
        python=given.python or sys.executable,
        node=given.node or shutil.which("node", path=path),
        npm=given.npm or ((npm,) if npm else ()),
    )


def target_here(effects: Effects, given: Target) -> Target:
    """The target that was given; this host's where a part is not."""
    if given.libc and " " not in given.libc:
        raise FleetError(
            "read a target", f"its libc is {given.libc!r}", "Add its version, as in 'glibc 2.36'."
        )
    here = target_of(effects, sys.executable)
    return Target(given.python or here.python, given.machine or here.machine, given.libc or here.libc)
