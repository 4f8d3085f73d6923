# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All releases on a host: find, install, remove."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError, refused
from . import bundle as bundles
from . import manifest, tree
from .bundle import Bundle
from .closure import Closure
from .entrypoints import NODE, default_executable
from .installation import Installation
from .kind import Argv, Kind, Program, Settings
from .local import Local
from .lock import Lock
from .locking import busy, held, locked, using
from .locks import choose
from .manifest import Release
from .mcpb import Mcpb
from .npm import Npm
from .oci import Oci
from .package import CONTENT, Package, Tools
from .pypi import Pypi
from .standing import LOCKS, Survey, survey
from .target import Target, target_of
from .tombs import Tombs

_INTERPRETERS = ("node", "python")

_REMOVE_TIMEOUT = 30.0
"""Seconds to wait for an installation of the same package before its release is removed."""


class Releases:
    """The releases below ``root``; archives that were fetched are kept below ``cache``.

    A release is at ``root/<registry_type>/<identifier>/<version>-<digest>``. Whoever changes the releases of
    a package holds a lock on it, which the kernel lets go when its holder dies.
    """

    def __init__(self, effects: Effects, root: Path, cache: Path, tools: Tools) -> None:
        self._effects = effects
        self._root = root
        self._cache = cache
        self._tools = tools
        self.tombs = Tombs(effects, root)
        self._registry = True
        self._bundle: Path | None = None
        self._locks: tuple[Lock, ...] = ()
        self._target: Target | None = None
        npm, pypi = Npm(tools, cache), Pypi(tools, cache)
        self._kinds: dict[str, Kind] = {
            "npm": npm,
            "pypi": pypi,
            "local": Local(tools, npm, pypi),
            "mcpb": Mcpb(tools, npm, pypi),
            "oci": Oci(tools),
        }

    def shipped(self, bundle: Path | None, *, registry: bool = False) -> Releases:
        """The same releases, but a new one comes from this bundle.

        :param registry: whether what content depends on may come from a registry; nothing else may.
        """
        other = copy.copy(self)
        other._registry, other._bundle = registry, bundle
        return other

    def locked(self, locks: Iterable[Lock]) -> Releases:
        """The same releases, but a new one is what the lock for this host says, and no other is the same.

        :param locks: those of a package, one for each kind of host; none: what a registry gives will do.
        """
        other = copy.copy(self)
        other._locks = tuple(locks)
        return other

    def agrees(self, package: Package, digest: str) -> bool:
        """Whether a release of this digest is what the lock says; True where there is no lock."""
        if [lock.closure.digest for lock in self._locks if lock.package == package] == [digest]:
            return True
        lock = self.lock_of(package)
        return lock is None or lock.closure.digest == digest

    def beside(self, root: Path) -> Releases:
        """The same sources and cache, but the releases of another folder: for one that is only looked at."""
        other = copy.copy(self)
        other._root = root
        other.tombs = Tombs(self._effects, root)
        return other

    def target(self) -> Target:
        """What a bundle or a lock for this host has to fit."""
        if self._target is None:
            self._target = target_of(self._effects, self._tools.python or sys.executable)
        return self._target

    def wanted(self, package: Package) -> dict[str, Any] | None:
        """The bundle that a package has to be installed from; None when it is installed."""
        if self.find(package):
            return None
        return {"package": package.to_json(), "target": self.target().to_json()}

    def find(self, package: Package, *, scripts: bool = False) -> Release | None:
        """The newest release of exactly this package version, and of what its lock says where it has one, if
        it is installed; asks no registry."""
        lock = self.lock_of(package)
        found = [
            release
            for release in self._of(self._root / package.registry_type / package.folder)
            if release.package == package
            and release.scripts == scripts
            and (lock is None or lock.closure.digest == release.digest)
        ]
        return max(found, key=lambda release: release.installed_at, default=None)

    def at(self, path: Path) -> Release | None:
        """The release in this directory; None when it is not one, not whole or unable to start."""
        return manifest.read(path, self._tools.node)

    def all(self) -> list[Release]:
        """Every release, by path."""
        return [release for folder in self._packages() for release in self._of(folder)]

    def incomplete(self) -> list[Path]:
        """Directories that an installation or removal left unfinished, and damaged releases.

        What somebody is installing at this moment is not among them.
        """
        left = []
        for folder in self._packages():
            if not self._busy(f"{folder.parent.name}-{folder.name}"):
                left += [path for path in _folders(folder) if self.at(path) is None]
        left += [path for path in _folders(self._root / ".staging") if not self._busy(path.name)]
        return left

    def install(
        self, package: Package, *, timeout: float, scripts: bool = False, bundle: Path | None = None
    ) -> Release:
        """The release of this package version, installed if it was not.

        :param timeout: seconds for all of it.
        :param scripts: let npm packages run their lifecycle scripts; off, because they run as who installs.
        :param bundle: install from this bundle, and ask no registry.
        Raises FleetError; then there is nothing of it left, and other releases are as they were.
        """
        found = self.find(package, scripts=scripts)
        if found:
            return found
        bundle = bundle or self._bundle
        if not bundle and (not self._registry or package.registry_type in CONTENT):
            raise FleetError(
                f"install {package}",
                "no bundle of it was shipped, and there is no registry to ask for it",
                "Run it again; if it stays so, make the bundle first (mcp_release).",
            )
        work = Installation(self._effects, package, timeout, scripts=scripts, registry=self._registry)
        try:
            tree.require_room(package, self._root, self._cache)
            with self._locked(work), using(work, self._cache):
                found = self.find(package, scripts=scripts)
                if found:
                    return found
                if bundle:
                    return self._install_shipped(work, bundle)
                lock = self.lock_of(package)
                return self._install(work, lock.closure if lock else self._resolve(work))
        except OSError as error:
            raise refused(f"install {package}", error) from error

    @contextlib.contextmanager
    def placing(self, package: Package, path: Path, timeout: float) -> Iterator[bool]:
        """Hold the package's lock while a release comes to ``path`` from elsewhere; gives whether it lacks.

        What an installation left there is removed.

        :raises FleetError: when a damaged release is there: something may still run from it.
        """
        work = Installation(self._effects, package, timeout)
        with self._locked(work):
            lacks = self.at(path) is None
            if lacks and (path / manifest.NAME).exists():
                raise FleetError(
                    f"place {package}", f"a damaged release is in {path}",
                    "See that nothing runs from it, remove it, then run it again.",
                )  # fmt: skip
            if lacks:
                self._effects.remove_tree(path)
            yield lacks

    def survey(self) -> Survey:
        """All that stands below the root, releases and what is none; no release is looked into."""
        return survey(self._root, self._kinds, self._tools.node)

    def busy(self, group: str) -> bool:
        """Whether somebody installs or removes releases of a package (as ``pypi/FOLDER``) at this moment."""
        return self._busy(group.replace("/", "-", 1))

    def bury(self, group: str, path: Path) -> Path:
        """Take a release of a package, or what is left of one, away in one step; ``tombs`` erase it.

        :raises FleetError: when somebody is installing the package, or it cannot be moved.
        """
        lock = self._root / LOCKS / f"{group.replace('/', '-', 1)}.lock"
        with held(self._effects, lock, _REMOVE_TIMEOUT, f"remove {path}"):
            return self.tombs.bury(path)

    def remove(self, release: Release) -> None:
        """Remove a release: out of the way in one step, so that a half-removed one is never taken for one."""
        package = release.package
        if not release.path.is_dir():
            return
        tomb = self.bury(f"{package.registry_type}/{package.folder}", release.path)
        erased = self.tombs.erase(tomb, manifest.NAME)
        if erased.left:
            where, why = erased.left[0]
            raise FleetError(
                f"remove {package} at {release.path}",
                f"{where} was left: {why}",
                "Let the user who removes own the folder, then run it again.",
            )

    def command(self, release: Release, name: str | None = None) -> tuple[str, ...]:
        """The argv prefix of the server's program: the one of this name, or the release's default.

        A name may also be ``python`` or ``node``, or a program that a dependency brings.
        Raises FleetError when it has no such program, or several and none is named like the package.
        """
        wanted = name or release.default_executable
        if wanted and wanted in release.executables:
            return release.executables[wanted]
        kind = self._kinds[release.package.registry_type]
        other = kind.other_executable(release.path, name) if name else None
        if other:
            return _with_node(release, other)
        tried = f"find the program {repr(name) + ' ' if name else ''}of {release.package}"
        own = sorted(set(release.executables) - set(_INTERPRETERS))
        if own:
            came_back = f"it has: {', '.join(own)}"
            raise FleetError(tried, came_back, "Set `command:` to the one that is the server.")
        raise FleetError(tried, "the package has no program of its own", kind.cure)

    def program(self, release: Release, settings: Settings) -> Program:
        """How the server of a release is started: as its package says, else by ``command``.

        Raises FleetError when that is not clear, or the settings lack something that the package asks for.
        """
        package = release.package
        told = self._kinds[package.registry_type].told(release.path, package.version, settings)
        if told is None:
            return Program(self.command(release, settings.command))
        return Program(_with_node(release, told.argv), told.environment)

    def lock_of(self, package: Package) -> Lock | None:
        """The lock of a package for this host, None where it has none.

        :raises FleetError: when there are some and none fits.
        """
        locks = [lock for lock in self._locks if lock.package == package]
        everywhere = [lock for lock in locks if lock.target == Target()]
        return everywhere[0] if everywhere else choose(locks, self.target()) if locks else None

    def _resolve(self, work: Installation) -> Closure:
        with self._staging(work) as staging:
            self._effects.make_directory(self._cache)
            return self._kinds[work.package.registry_type].resolve(work, staging)

    def _install_shipped(self, work: Installation, path: Path) -> Release:
        kind = self._kinds[work.package.registry_type]
        try:
            shipped = bundles.read(path)
            self._require_fit(work, shipped)
            tree.require_room(work.package, self._root, more=shipped.size_bytes)
            with self._staging(work) as shelf:
                bundles.unpack(self._effects, shipped, shelf, lambda item: kind.shelved(shelf, item))
                return self._install(work, shipped.closure, shelf)
        except FleetError as error:
            raise FleetError(
                f"install {work.package} from {path.name}", error.came_back, error.cure, error.server
            ) from error

    def _require_fit(self, work: Installation, shipped: Bundle) -> None:
        closure = shipped.closure
        tried = f"install {work.package} from {shipped.path.name}"
        if (closure.package, closure.scripts) != (work.package, work.scripts):
            kind = " with lifecycle scripts" if closure.scripts else ""
            raise FleetError(
                tried, f"the bundle is of {closure.package}{kind}", "Make one of this package (mcp_release)."
            )
        if not self.agrees(work.package, closure.digest):
            raise FleetError(
                tried, "the bundle is not of what the lock says", "Remove it and make it anew (mcp_release)."
            )
        host = self.target()
        misfit = shipped.needs.misfit(host)
        if misfit:
            raise FleetError(tried, misfit, f"Make a bundle for {host} (mcp_release).")

    def _install(self, work: Installation, closure: Closure, shelf: Path | None = None) -> Release:
        target = self._free_place(closure)
        try:
            self._effects.make_directory(target)
            for name, data in sorted(closure.files.items()):
                self._effects.write_file(target / name, data)
            kind = self._kinds[closure.package.registry_type]
            kind.place(work, closure, target, shelf)
            if shelf:
                self._effects.remove_tree(shelf)
            own = kind.executables(closure.package, target)
            executables = {**kind.runtime(target), **own}
            tools = kind.versions(work, target)
            size, count = tree.seal(self._effects, target)
            data = manifest.compose(
                closure,
                installed_at=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
                executables=executables,
                default_executable=default_executable(own, closure.package.identifier),
                size_bytes=size,
                file_count=count,
                tools=tools,
                node=self._tools.node if any(NODE in argv for argv in executables.values()) else None,
                source="controller" if shelf else "registry",
            )
            self._effects.sync_filesystem(target)
            self._effects.write_file(target / manifest.NAME, data, 0o444)
            tree.set_writable(self._effects, target, False)
            release = self.at(target)
            if release is None:
                raise FleetError(
                    f"install {closure.package}",
                    f"what was installed in {target} cannot be read back",
                    "Look at the disk and at who else writes there, then run it again.",
                )
            return release
        except BaseException:
            self._discard(target)
            raise

    def _free_place(self, closure: Closure) -> Path:
        """Where the release goes. What an installation left there is removed; a damaged release is not:
        something may still run from it.
        """
        name = manifest.folder_name(closure.package, closure.digest)
        folder = self._root / closure.package.registry_type / closure.package.folder
        target, number = folder / name, 1
        while (target / manifest.NAME).exists():
            number += 1
            target = folder / f"{name}~{number}"
        self._effects.remove_tree(target)
        return target

    def _discard(self, path: Path) -> None:
        """Clean up after a failure without hiding it; what stays is found and removed by the next run."""
        with contextlib.suppress(FleetError, OSError):
            self._effects.remove_file(path / manifest.NAME)
        with contextlib.suppress(FleetError, OSError):
            self._effects.remove_tree(path)

    def _packages(self) -> Iterator[Path]:
        for kind in self._kinds:
            yield from _folders(self._root / kind)

    def _of(self, folder: Path) -> Iterator[Release]:
        for path in _folders(folder):
            release = self.at(path)
            if release:
                yield release

    def _busy(self, lock_name: str) -> bool:
        return busy(self._root / ".locks" / f"{lock_name}.lock")

    def _locked(self, work: Installation) -> contextlib.AbstractContextManager[None]:
        return locked(work, self._root / ".locks" / f"{_lock_name(work.package)}.lock")

    @contextlib.contextmanager
    def _staging(self, work: Installation) -> Iterator[Path]:
        """A folder for the time of one installation."""
        staging = self._root / ".staging" / _lock_name(work.package)
        try:
            self._effects.remove_tree(staging)
            self._effects.make_directory(staging)
            yield staging
        finally:
            self._discard(staging)


def _with_node(release: Release, argv: Argv) -> Argv:
    if NODE in argv and "node" not in release.executables:
        raise FleetError(
            f"find the program of {release.package}",
            "Node.js is needed, and the host had none when it was installed",
            "Install Node.js 20 or newer (the role host does), remove the release, then run it again.",
        )
    return tuple(release.executables["node"][0] if word == NODE else word for word in argv)


def _lock_name(package: Package) -> str:
    return f"{package.registry_type}-{package.folder}"


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return []
