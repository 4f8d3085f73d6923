# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bundle of each kind of package says what it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from .closure import Artifact, Closure, from_package_lock, from_requirements, npm_artifacts, pinned
from .package import CONTENT, Package

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Composition:
    """``needed`` and ``optional`` are the lock files; ``artifacts`` reads from them what the package is made
    of; ``lacking`` names a part that a bundle with these hashes has not, and would have to have.

    ``artifacts`` raises FleetError and ValueError for files that no one here has written.
    """

    needed: tuple[str, ...]
    artifacts: Callable[[Package, Files], tuple[Artifact, ...]]
    lacking: Callable[[Closure, Collection[str]], str | None]
    optional: tuple[str, ...] = ()


def _npm(package: Package, files: Files) -> tuple[Artifact, ...]:
    return from_package_lock(package, json.loads(files["package-lock.json"]))


def _pypi(package: Package, files: Files) -> tuple[Artifact, ...]:
    return from_requirements(package, _requirements(files))


def _content(package: Package, files: Files) -> tuple[Artifact, ...]:
    """The content itself, and what its own lock files name."""
    found = {Artifact(package.identifier, package.version, (f"sha256:{package.sha256}",))}
    if "requirements.txt" in files:
        found.update(pinned(package, _requirements(files)))
    if "package-lock.json" in files:
        found.update(npm_artifacts(package, json.loads(files["package-lock.json"]).get("packages") or {}))
    return tuple(sorted(found))


def _requirements(files: Files) -> str:
    text = str(files["requirements.txt"], "utf-8")
    # uv would act on an option in it, such as another file to read.
    if re.search(r"(?m)^(?!\s+--hash=)\s*-", text):
        raise ValueError("requirements.txt has options")
    return text


def _nothing(_closure: Closure, _hashes: Collection[str]) -> str | None:
    """Of npm packages those for other platforms are not shipped."""
    return None


def _any(closure: Closure, hashes: Collection[str]) -> str | None:
    return next((item.name for item in closure.artifacts if not set(item.hashes) & set(hashes)), None)


def _itself(closure: Closure, hashes: Collection[str]) -> str | None:
    """What content depends on may come from the registry."""
    package = closure.package
    return None if f"sha256:{package.sha256}" in hashes else package.identifier


COMPOSITIONS: Mapping[str, Composition] = {
    "npm": Composition(("package-lock.json", "package.json"), _npm, _nothing),
    "pypi": Composition(("requirements.txt",), _pypi, _any),
    **dict.fromkeys(CONTENT, Composition((), _content, _itself, ("package-lock.json", "requirements.txt"))),
}
