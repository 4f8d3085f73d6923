# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of an inventory: one file for each package version and kind of host.

Their names end in .txt, which Ansible does not read when it reads a folder of inventories with all below it.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import FleetError
from .closure import LOCK_FILES
from .lock import CURE, Lock, parse
from .package import Package
from .target import Target

END = ".lock.txt"
MODES = ("auto", "required", "off")


def mode_of(given: object) -> str:
    """The mode that was asked for: YAML reads ``off`` as false. Raises FleetError for one that is none."""
    mode = "off" if given is False else str(given)
    if mode not in MODES:
        raise FleetError("read mcp_lock", f"it is {given!r}", f"Give one of: {', '.join(MODES)}.")
    return mode


class Locks:
    """The locks in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, package: Package, target: Target) -> Path:
        """The file for a package version and the kind of host that a target is."""
        return self.folder / f"{'-'.join([_name(package), *_kind(package, target)])}{END}"

    def read(self, path: Path) -> Lock | None:
        """The lock in a file, None when there is none; raises FleetError for one that is damaged."""
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise FleetError(f"read the lock {path}", str(error), CURE) from error
        return parse(text, str(path))

    def find(self, package: Package, mode: str = "auto") -> list[Lock]:
        """The locks of a package version, one for each kind of host.

        Raises FleetError for a damaged one, for one of another package, and where there has to be one and is
        none: with ``required``, and where another version of the package is locked.
        """
        # Other kinds of packages have no closure: the definition names the hash of their content.
        if mode == "off" or package.registry_type not in LOCK_FILES:
            return []
        found = []
        for path in self._files(package):
            lock = self.read(path)
            if lock is None:
                continue
            if lock.package != package:
                raise FleetError(f"use the lock {path}", f"it is of {lock.package}, not of {package}", CURE)
            found.append(lock)
        others = [] if found else self._other_versions(package)
        if others:
            raise FleetError(f"find the lock of {package}", f"{others[0]} is of another version", CURE)
        if not found and mode == "required":
            raise FleetError(
                f"find the lock of {package}", f"{self.folder} has none, and mcp_lock is required", CURE
            )
        return found

    def _files(self, package: Package) -> list[Path]:
        name = glob.escape(_name(package))
        pattern = f"{name}-py*-*-*{END}" if package.registry_type == "pypi" else f"{name}{END}"
        return sorted(self.folder.glob(pattern))

    def _other_versions(self, package: Package) -> list[Path]:
        found = []
        for path in sorted(self.folder.glob(f"{glob.escape(_stem(package))}-*{END}")):
            lock = self.read(path)
            if lock and lock.package.identifier == package.identifier:
                found.append(path)
        return found


def require_pinned(kind: str, identifier: str, sha256: str | None, mode: str) -> None:
    """Refuse a package whose content nothing pins, where that is required.

    :param sha256: the hash of its content, where its definition has one.
    :raises FleetError: for one that has neither lock nor hash.
    """
    if mode == "required" and kind not in LOCK_FILES and sha256 is None:
        raise FleetError(
            f"find what pins {kind} {identifier}", "mcp_lock is required, and nothing says what it contains",
            "Give its hash in package.sha256; of an image that is its digest.",
        )  # fmt: skip


def choose(locks: Iterable[Lock], host: Target) -> Lock | None:
    """The lock that fits a host; None when there is no lock at all.

    Of several that which fits most hosts, so that as many as possible get the same release.
    Raises FleetError when none of them fits.
    """
    known = list(locks)
    if not known:
        return None
    fitting = [lock for lock in known if lock.target.misfit(host) is None]
    if not fitting:
        raise FleetError(
            f"use the lock of {known[0].package}",
            "; ".join(sorted(str(lock.target.misfit(host)) for lock in known)),
            f"It has to be locked for {host} too. {CURE}",
        )
    return min(fitting, key=lambda lock: lock.target.age())


def dumps(locks: Sequence[Lock]) -> str:
    """Locks as they are handed to a host."""
    return json.dumps([lock.to_text() for lock in locks])


def loads(text: str) -> list[Lock]:
    """Locks that were handed to a host, looked at once more."""
    return [parse(lock, "that the controller sent") for lock in json.loads(text)]


def _stem(package: Package) -> str:
    return f"{package.registry_type}-{package.folder}"


def _name(package: Package) -> str:
    return f"{_stem(package)}-{package.version}"


def _kind(package: Package, target: Target) -> list[str]:
    """npm's locks are for every platform: they list the native parts of all."""
    if package.registry_type == "npm":
        return []
    minor = ".".join(str(target.python).split(".")[:2])
    return [f"py{minor}", str(target.machine), str(target.libc).partition(" ")[0]]
