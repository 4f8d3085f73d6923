# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only a directory with a manifest that fits it is a release."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release import manifest, tree
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Artifact, Closure
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

CLOSURE = Closure(
    Package("npm", "@scope/server", "1.2.3"), (Artifact("@scope/server", "1.2.3", ("sha512-x",)),)
)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    program = tmp_path / "node"
    program.touch()
    return program


@pytest.fixture
def path(tmp_path: Path, node: Path) -> Path:
    home = tmp_path / "npm" / "@scope+server" / manifest.folder_name(CLOSURE.package, CLOSURE.digest)
    home.mkdir(parents=True)
    (home / "cli.js").touch()
    data = manifest.compose(
        CLOSURE,
        installed_at="2026-11-22T10:00:00.000000+00:00",
        executables={"server": ("{node}", "--flag", "{release}/cli.js"), "node": ("{node}",)},
        default_executable="server",
        size_bytes=3,
        file_count=1,
        tools={"npm": "11"},
        node=str(node),
        source="registry",
    )
    (home / manifest.NAME).write_bytes(data)
    return home


def edit(path: Path, **changes: Any) -> None:
    content = json.loads((path / manifest.NAME).read_text())
    (path / manifest.NAME).write_text(json.dumps({**content, **changes}))


def test_a_manifest_gives_the_release_back(path: Path, node: Path) -> None:
    release = manifest.read(path, None)
    assert release is not None
    assert release.package == CLOSURE.package
    assert release.digest == CLOSURE.digest
    assert release.executables == {"server": (str(node), "--flag", f"{path}/cli.js"), "node": (str(node),)}
    assert release.default_executable == "server"


def test_the_manifest_names_every_artifact_with_its_hashes_and_the_tools(path: Path) -> None:
    content = json.loads((path / manifest.NAME).read_text())
    assert content["closure"] == [{"name": "@scope/server", "version": "1.2.3", "hashes": ["sha512-x"]}]
    assert content["tools"] == {"npm": "11"}
    assert content["platform"].startswith("linux-")


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"digest": "0" * 64},
        {"package": {"registry_type": "npm", "identifier": "@scope/server", "version": "1.2.4"}},
        {"package": {"registry_type": "npm", "identifier": "@other/server", "version": "1.2.3"}},
        {"package": {"registry_type": "pypi", "identifier": "server", "version": "1.2.3"}},
        {"package": {"registry_type": "npm", "identifier": "../x", "version": "1.2.3"}},
        {"package": "npm"},
        {"executables": {"server": ["{release}/gone.js"]}},
        {"executables": None},
        {"size_bytes": "many"},
    ],
)
def test_a_manifest_that_does_not_fit_its_directory_makes_no_release(
    path: Path, changes: dict[str, Any]
) -> None:
    edit(path, **changes)
    assert manifest.read(path, None) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_damaged_manifest_makes_no_release(path: Path, content: bytes) -> None:
    (path / manifest.NAME).write_bytes(content)
    assert manifest.read(path, None) is None


def test_a_directory_without_a_manifest_is_no_release(path: Path) -> None:
    (path / manifest.NAME).unlink()
    assert manifest.read(path, None) is None
    assert manifest.read(path / "not there", None) is None


def test_a_release_that_was_moved_is_none(path: Path) -> None:
    assert manifest.read(path.rename(path.parent / "1.2.3-000000000000"), None) is None


def test_a_release_runs_on_the_hosts_node_when_the_one_it_was_installed_with_is_gone(
    path: Path, node: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "newer-node"
    newer.touch()
    node.unlink()
    release = manifest.read(path, str(newer))
    assert release is not None
    assert release.executables["node"] == (str(newer),)
    assert manifest.read(path, None) is None


def test_a_sealed_tree_has_nothing_that_can_be_written_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    home = tmp_path / "tree"
    (home / "folder").mkdir(parents=True)
    (home / "folder" / "program").write_text("1234")
    (home / "folder" / "program").chmod(0o755)
    (home / "file").write_text("12")
    (home / "link").symlink_to(tmp_path / "outside")
    (home / "folders").symlink_to(tmp_path)
    assert tree.seal(Effects(), home) == (6, 2)
    assert stat.S_IMODE((home / "folder" / "program").stat().st_mode) == 0o555
    assert not stat.S_IMODE((home / "file").stat().st_mode) & 0o222
    assert not stat.S_IMODE((home / "folder").stat().st_mode) & 0o222
    assert stat.S_IMODE((tmp_path / "outside").stat().st_mode) & 0o200
    Effects().remove_tree(home)
