# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases made on the spot, by the manifest that an installation writes; and a host that has only files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Deployment, Record
from ansible_collections.mcpops.fleet.plugins.module_utils.release import manifest
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Artifact, Closure
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.support.node import Node


def place(root: Path) -> Node:
    """A host of which there are files and no processes."""
    node = Node(root, root / "cache")
    for folder in ("etc", "edge", "releases/.locks"):
        (root / folder).mkdir(parents=True)
    layout = node._layout()
    node.config.write_text(json.dumps({**layout, "driver": {**layout["driver"], "name": "supervisord"}}))
    return node


def make_release(
    releases: Path, package: Package, days: float = 100, files: int = 3, written: bool = True
) -> Path:
    """A release of so many files (each of 100 bytes), installed so many days ago; read-only as they are.

    :param written: whether its files are, besides its program.
    """
    closure = Closure(package, (Artifact(package.identifier, package.version, ("sha256:00",)),))
    path = releases / package.registry_type / package.folder
    path = path / manifest.folder_name(package, closure.digest)
    (path / "lib").mkdir(parents=True)
    program = path / "program"
    for number in range(files if written else 1):
        (program if number == 0 else path / "lib" / str(number)).write_bytes(b"x" * 100)
    installed_at = datetime.now(UTC) - timedelta(days=days)
    data = manifest.compose(
        closure,
        installed_at=installed_at.isoformat(timespec="microseconds"),
        executables={"program": ("{release}/program",)},
        default_executable="program",
        size_bytes=files * 100,
        file_count=files,
        tools={},
        node=None,
        source="registry",
    )
    (path / manifest.NAME).write_bytes(data)
    (path / "lib").chmod(0o555)
    path.chmod(0o555)
    return path


def deployment(package: Package, path: Path) -> Deployment:
    """What a slot that has the release is given."""
    digest = json.loads((path / manifest.NAME).read_text())["digest"]
    return Deployment(
        package.registry_type,
        package.identifier,
        package.version,
        digest,
        str(path),
        {"transport": "stdio"},
        "",
    )


def record(node: Node, server: str, active: Deployment, previous: Deployment | None = None) -> None:
    """Let the host's journal have a server."""
    slots = {"blue": active, **({"green": previous} if previous else {})}
    Journal(Effects(), node.root / "state").save(
        Record(server, slots=slots, active="blue", previous="green" if previous else None)
    )
