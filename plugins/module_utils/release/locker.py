# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making locks on the controller: resolve, look at the age of what came out, write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError, refused
from . import published
from .addresses import carries_credential, resolved_from
from .closure import Closure
from .failures import without_secrets
from .installation import Installation
from .lock import Lock, canonical_files
from .locks import Locks
from .npm import Npm
from .package import Package, Tools
from .published import Times
from .pypi import Pypi
from .target import Target

_ANY = "9999-01-01T00:00:00Z"
"""A cut that leaves nothing out. npm has to be told one, or the registry does not tell it the times."""


@dataclass(frozen=True)
class Locked:
    """What locking a package gave: the file, its lock, and its text before and after."""

    path: Path
    lock: Lock
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def undated(self) -> list[str]:
        """Artifacts whose age nobody could check: their registry does not say when they were published."""
        return sorted(name for name, time in self.lock.published.items() if time is None)


@dataclass(frozen=True)
class Terms:
    """On what terms locks are made.

    :param now: when that is.
    :param minimum_age: days that everything in a lock has to be old; 0: no matter.
    :param refresh: resolve also what has a good lock.
    :param timeout: seconds for resolving one package.
    """

    now: datetime
    minimum_age: float = 0
    refresh: bool = False
    timeout: float = 600


class Locker:
    """Makes locks. ``cache`` is where the tools keep what they fetch; several may be made at once."""

    def __init__(self, effects: Effects, locks: Locks, cache: Path, tools: Tools, terms: Terms) -> None:
        self._effects = effects
        self._locks = locks
        self._terms = terms
        self._sources: dict[str, _Npm | _Pypi] = {"npm": _Npm(tools, cache), "pypi": _Pypi(tools, cache)}

    def lock(self, package: Package, target: Target, *, write: bool = True) -> Locked:
        """The lock of a package version for a kind of host, made where there is no good one.

        :param target: the oldest Python and C library of all hosts of this kind.
        Raises FleetError; then the file is as it was.
        """
        path = self._locks.path(package, target)
        try:
            before = path.read_text("utf-8", "replace") if path.is_file() else ""
            there = self._there(path, package)
            if there and not self._terms.refresh and self._is_good(there, target):
                return Locked(path, there, before, before)
            # One of PyPI goes on fitting the hosts that it fits; one of npm is for all.
            made = self._make(
                package, oldest([there.target, target]) if there and there.target.python else target
            )
            if there and made.same_as(there):
                return Locked(path, there, before, before)
            after = made.to_text()
            if write:
                self._effects.make_directory(path.parent)
                self._effects.write_file(path, after.encode())
            return Locked(path, made, before, after)
        except FleetError as error:
            raise FleetError(f"lock {package}", error.came_back, error.cure, error.server) from error
        except OSError as error:
            raise refused(f"lock {package}", error) from error

    def _there(self, path: Path, package: Package) -> Lock | None:
        """The lock that is there; one that is damaged or of something else is made anew."""
        try:
            lock = self._locks.read(path)
        except FleetError:
            return None
        return lock if lock and lock.package == package else None

    def _is_good(self, lock: Lock, target: Target) -> bool:
        return lock.target.misfit(target) is None and not self._young(lock.published)

    def _young(self, times: Times) -> list[str]:
        return published.too_young(times, self._terms.now, self._terms.minimum_age)

    def _make(self, package: Package, target: Target) -> Lock:
        work = Installation(self._effects, package, self._terms.timeout)
        now = self._terms.now
        closure, times = self._resolve(work, target)
        young = self._young(times)
        own = published.own(package, times)
        if own in young:
            raise self._refused([own], times)
        if young:
            # The server's own version is chosen; of what it depends on an older version may do.
            cut = published.stamp(now - timedelta(days=self._terms.minimum_age))
            try:
                closure, times = self._resolve(work, target, cut)
            except FleetError as error:
                raise self._refused(young, times, f"; without them: {error.came_back}") from error
            young = self._young(times)
        if young:
            raise self._refused(young, times)
        if package.registry_type == "npm":
            target = Target()
        return Lock(closure, target, published.stamp(now), times)

    def _resolve(self, work: Installation, target: Target, cut: str = _ANY) -> tuple[Closure, Times]:
        with tempfile.TemporaryDirectory(prefix="mcpops-lock-") as folder:
            source = self._sources[work.package.registry_type]
            closure, times = source.resolve(work, Path(folder), target, cut)
        _require_public(closure)
        return canonical_files(closure), times

    def _refused(self, young: list[str], times: Times, more: str = "") -> FleetError:
        names = ", ".join(f"{name} ({times[name]})" for name in young[:5])
        return FleetError(
            "lock",
            f"published less than mcp_lock_minimum_age ({self._terms.minimum_age:g} days) ago: {names}"
            f"{' and others' if len(young) > 5 else ''}{more}",
            "Wait, name an older version, or lower mcp_lock_minimum_age for it once you know what it is.",
        )


class _Pypi:
    """Locks of PyPI, by uv."""

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._registry = Pypi(tools, cache)

    def resolve(self, work: Installation, staging: Path, target: Target, cut: str) -> tuple[Closure, Times]:
        """The closure for a target, its dependencies published until the cut; and when each was."""
        options = ["--python-version", str(target.python), "--python-platform", target.uv_platform()]
        if cut != _ANY:
            options += [
                "--exclude-newer",
                cut,
                "--exclude-newer-package",
                f"{work.package.identifier}={_ANY}",
            ]
        closure = self._registry.resolve(work, staging, options)
        return closure, published.of_pylock(closure.artifacts, self._registry.pylock(work, staging, options))


class _Npm:
    """Locks of npm."""

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._registry = Npm(tools, cache)
        self._cache = cache / "npm"

    def resolve(self, work: Installation, staging: Path, target: Target, cut: str) -> tuple[Closure, Times]:
        """The closure, published until the cut; and when each was. It is the same for every target."""
        closure = self._registry.resolve(work, staging, elsewhere=True, before=cut)
        return closure, published.of_npm_cache(closure.artifacts, self._cache)


def _require_public(closure: Closure) -> None:
    """Raise FleetError for a lock that would hand a credential to all who read the inventory."""
    for name, data in closure.files.items():
        for address in resolved_from(name, data):
            if carries_credential(address):
                raise FleetError(
                    f"lock {closure.package}",
                    f"{name} would have a password or token in it, in the address {without_secrets(address)}",
                    "Give it to the tools in their own configuration (npmrc, netrc), not in addresses.",
                )


def oldest(targets: Iterable[Target]) -> Target:
    """Targets of one kind as one that hosts of all of them fit."""
    known = list(targets)
    python = min(known, key=lambda target: target.age()[0])
    libc = min(known, key=lambda target: target.age()[1])
    return Target(python.python, python.machine, libc.libc)
