# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closure of a release: every artifact that it is made of, exactly, before anything is installed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import FleetError
from .failures import without_secrets
from .package import Package


@dataclass(frozen=True, order=True)
class Artifact:
    """A package of the closure; ``hashes`` are those that its archive may have, as ``algorithm:value``."""

    name: str
    version: str
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Closure:
    """What resolving a package gave: its artifacts, and the files from which they are installed."""

    package: Package
    artifacts: tuple[Artifact, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Name to content of the lock files that the release directory gets; they name every artifact's hash."""

    scripts: bool = False
    """Whether the packages' own lifecycle scripts run; what they do is part of what gets installed."""

    @property
    def digest(self) -> str:
        """sha256 (hex) over the sorted artifacts; the same on every host that got the same answer."""
        content = {
            "artifacts": [[a.name, a.version, sorted(a.hashes)] for a in sorted(set(self.artifacts))],
            "package": [self.package.registry_type, self.package.identifier, self.package.version],
            "scripts": self.scripts,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def canonical(name: str) -> str:
    """A PyPI name as all spellings of it compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def from_package_lock(package: Package, lock: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """The artifacts in npm's package-lock.json (lockfileVersion 2 or 3).

    Raises FleetError when the package itself resolved to another version than the one asked for (a tag).
    """
    entries: Mapping[str, Mapping[str, Any]] = lock.get("packages") or {}
    root = entries.get(f"node_modules/{package.identifier}")
    if root is None or root.get("version") != package.version:
        found = f"npm took it for version {root.get('version')}" if root else "npm's lock does not have it"
        raise FleetError(f"resolve {package}", found, "Pin the exact version, such as 1.4.2.")
    return tuple(sorted(set(npm_artifacts(package, entries))))


def npm_artifacts(package: Package, entries: Mapping[str, Mapping[str, Any]]) -> Iterable[Artifact]:
    """The artifacts that the entries of a package-lock.json name."""
    for path, entry in entries.items():
        # A bundled package is inside its parent's archive, whose hash covers it; a link is a local folder,
        # and so is what has no node_modules in its path.
        if "node_modules/" not in path or entry.get("inBundle") or entry.get("link"):
            continue
        name = str(entry.get("name") or path.rpartition("node_modules/")[2])
        # Only a git dependency needs no integrity: its address has the commit.
        proof = entry.get("integrity") or _commit(str(entry.get("resolved") or ""))
        if not proof:
            raise FleetError(
                f"resolve {package}",
                f"the registry gave no hash for its dependency {name} {entry.get('version')}",
                "Use a registry that gives hashes: what gets installed could not be verified.",
            )
        yield Artifact(name, str(entry.get("version", "")), tuple(sorted(str(proof).split())))


def _commit(address: str) -> str | None:
    return without_secrets(address) if _COMMIT.fullmatch(address) else None


LOCK_FILES = {"pypi": ("requirements.txt",), "npm": ("package-lock.json", "package.json")}
"""The files from which the packages of a registry are installed."""


def from_files(package: Package, files: Mapping[str, bytes], scripts: bool = False) -> Closure:
    """The closure that lock files say. Raises FleetError or ValueError when they are not of the package."""
    if package.registry_type == "npm":
        artifacts = from_package_lock(package, json.loads(files["package-lock.json"]))
    else:
        text = str(files["requirements.txt"], "utf-8")
        # uv would act on an option in it, such as another file to read.
        if re.search(r"(?m)^(?!    --hash=)\s*-", text):
            raise ValueError("requirements.txt has options")
        artifacts = from_requirements(package, text)
    return Closure(package, artifacts, files, scripts)


_COMMIT = re.compile(r"git(\+[a-z]+)?://\S+#[0-9a-f]{40}([0-9a-f]{24})?")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)")


def from_requirements(package: Package, text: str) -> tuple[Artifact, ...]:
    """The artifacts in the output of ``uv pip compile --generate-hashes``."""
    artifacts = pinned(package, text)
    if canonical(package.identifier) not in {artifact.name for artifact in artifacts}:
        raise FleetError(
            f"resolve {package}",
            "uv's answer does not have the package itself",
            "Look at uv's configuration of this user for settings that leave packages out.",
        )
    return tuple(sorted(set(artifacts)))


def pinned(package: Package, text: str) -> list[Artifact]:
    """The artifacts that lines of requirements pin, each with a version and hashes."""
    artifacts = []
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if not line or line.startswith(("#", "-")):
            continue
        exact = _PINNED.match(line)
        hashes = tuple(sorted(re.findall(r"--hash=(\S+)", line)))
        if not exact or not hashes:
            raise FleetError(
                f"resolve {package}",
                f"the registry gave no hash for its dependency {without_secrets(line.split(' ')[0])}",
                "Use a registry that gives hashes, and pin with them (uv pip compile --generate-hashes): "
                "what gets installed could not be verified.",
            )
        artifacts.append(Artifact(canonical(exact[1]), exact[2], hashes))
    return artifacts
