# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a release: written last, so only what has one was installed to its end."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import FleetError
from .closure import Artifact, Closure
from .entrypoints import NODE, RELEASE
from .package import Package

NAME = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True)
class Release:
    """One package version on this host.

    :param digest: sha256 (hex) over its closure.
    :param installed_at: UTC, ISO 8601.
    :param executables: name to argv prefix, absolute.
    :param scripts: whether lifecycle scripts ran when it was installed.
    """

    package: Package
    digest: str
    path: Path
    installed_at: str
    executables: Mapping[str, tuple[str, ...]]
    default_executable: str | None
    size_bytes: int
    file_count: int
    scripts: bool = False


def folder_name(package: Package, digest: str) -> str:
    """The name of a release's directory below its package's."""
    return f"{package.version}-{digest[:12]}"


def compose(
    closure: Closure,
    *,
    installed_at: str,
    executables: Mapping[str, tuple[str, ...]],
    default_executable: str | None,
    size_bytes: int,
    file_count: int,
    tools: Mapping[str, str],
    node: str | None,
    source: str,
) -> bytes:
    """The manifest's content; ``source`` is ``registry`` or ``controller``, where the artifacts came from."""
    package = closure.package
    content = {
        "schema": SCHEMA,
        "package": package.to_json(),
        "digest": closure.digest,
        "scripts": closure.scripts,
        "closure": [
            {"name": artifact.name, "version": artifact.version, "hashes": list(artifact.hashes)}
            for artifact in sorted(closure.artifacts)
        ],
        "executables": {name: list(argv) for name, argv in sorted(executables.items())},
        "default_executable": default_executable,
        "size_bytes": size_bytes,
        "file_count": file_count,
        "installed_at": installed_at,
        "tools": dict(tools),
        "node": node,
        "source": source,
        "platform": f"{platform.system().lower()}-{platform.machine()}-{'-'.join(platform.libc_ver())}",
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def read(path: Path, node: str | None) -> Release | None:
    """The release in the directory ``path``; None unless it was installed there to its end and can start.

    :param node: the host's Node.js, for when the one it was installed with is gone.
    """
    try:
        content = json.loads((path / NAME).read_text("utf-8"))
        if content["schema"] != SCHEMA:
            return None
        release = _release(path, content, node)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, FleetError):
        return None
    package = release.package
    # A release that another one of the same digest stood in the way of has a number behind its name.
    named = path.name.partition("~")[0] == folder_name(package, release.digest)
    placed = path.parent.name == package.folder and path.parent.parent.name == package.registry_type
    whole = all(os.path.exists(word) for argv in release.executables.values() for word in _paths(path, argv))
    return release if named and placed and whole else None


def artifacts_of(path: Path) -> tuple[Artifact, ...] | None:
    """What the release in the directory ``path`` was made of; None when it cannot be read."""
    try:
        content = json.loads((path / NAME).read_text("utf-8"))
        return tuple(
            Artifact(item["name"], item["version"], tuple(item["hashes"])) for item in content["closure"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _release(path: Path, content: Mapping[str, Any], node: str | None) -> Release:
    recorded = content["node"]
    runs = recorded if recorded and os.path.exists(recorded) else node
    executables = {str(name): _expand(argv, path, runs) for name, argv in content["executables"].items()}
    return Release(
        package=Package(**content["package"]),
        digest=str(content["digest"]),
        path=path,
        installed_at=str(content["installed_at"]),
        executables=MappingProxyType(executables),
        default_executable=content["default_executable"],
        size_bytes=int(content["size_bytes"]),
        file_count=int(content["file_count"]),
        scripts=bool(content["scripts"]),
    )


def _expand(argv: list[str], path: Path, node: str | None) -> tuple[str, ...]:
    if NODE in argv and not node:
        raise KeyError(NODE)
    return tuple(_word(word, path, node or "") for word in argv)


def _word(word: str, path: Path, node: str) -> str:
    if word == NODE:
        return node
    return str(path) + word[len(RELEASE) :] if word.startswith(f"{RELEASE}/") else word


def _paths(release: Path, argv: tuple[str, ...]) -> list[str]:
    return [word for word in argv if word is argv[0] or word.startswith(f"{release}/")]
