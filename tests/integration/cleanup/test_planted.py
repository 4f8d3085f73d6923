# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody put among the fleet's files is left and told; nothing outside is ever touched."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.store import note_path
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.cleanup.cleaning import NOTHING, cleaned, foreseen
from tests.support.node import Node
from tests.support.releases import make_release, place

BOX = Package("pypi", "box", "1.0.0")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A host with only files."""
    return place(tmp_path / "node")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that is not the fleet's; its file has to be there in the end."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("x")
    yield folder
    assert (folder / "precious").read_text() == "x"


def test_links_are_removed_inside_a_release_and_left_in_the_place_of_one(node: Node, outside: Path) -> None:
    release = make_release(node.root / "releases", BOX)
    release.chmod(0o755)
    (release / "link").symlink_to(outside)
    planted = release.parent / "2.0.0-0123456789ab"
    planted.symlink_to(outside)
    (node.root / "releases" / "npm").symlink_to(outside)
    done = result_of(cleaned(node))
    assert not release.exists() and planted.is_symlink()
    assert {entry["path"] for entry in done["foreign"]} == {str(planted), str(node.root / "releases" / "npm")}


def test_a_backup_its_note_and_its_lock_are_the_fleets_own_and_a_note_goes_with_its_backup(
    node: Node,
) -> None:
    folder = node.root / "backups"
    folder.mkdir()
    (folder / ".lock").touch()
    (folder / "list.txt").touch()
    for hour in (1, 2):
        archive = folder / f"node1-20260101T0{hour}0000Z.tar.gz.age"
        for path in (archive, note_path(archive)):
            path.write_text("x")
            os.utime(path, (hour, hour))
    assert {entry["path"] for entry in result_of(foreseen(node))["foreign"]} == {str(folder / "list.txt")}
    cleaned(node, {**NOTHING, "backup": {"keep": 1, "min_age": 0, "max_age": 60}})
    assert {path.name for path in folder.iterdir()} - {".tombstones"} == {
        ".lock", "list.txt", archive.name, note_path(archive).name
    }  # fmt: skip


def test_what_is_not_named_as_the_fleet_names_things_is_left_and_listed(node: Node) -> None:
    release = make_release(node.root / "releases", BOX)
    places = [
        node.root / "releases" / "notes.txt",
        node.root / "releases" / "pypi" / "todo",
        release.parent / "mine" / "data",
        node.root / "cache" / "photos" / "a.jpg",
        node.root / "logs" / "diary.txt",
        node.root / "cache" / "npm" / "not-npms",
    ]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    listed = {entry["path"] for entry in result_of(foreseen(node))["foreign"]}
    done = result_of(cleaned(node, {**NOTHING, "cache": {"min_age": 0}, "log": {"min_age": 0}}))
    assert {entry["path"] for entry in done["foreign"]} == listed
    for path in places:
        assert path.exists()
        assert any(str(path).startswith(each) for each in listed)
    assert not release.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_a_release_in_which_something_is_mounted_is_left_and_told(
    node: Node, outside: Path, kind: str
) -> None:
    release, other = (make_release(node.root / "releases", Package("pypi", "box", f"{n}.0.0")) for n in "12")
    point = release / "lib"
    options = ["--bind", str(outside)] if kind == "bind" else ["-t", "tmpfs", "none"]
    subprocess.run(["mount", *options, str(point)], check=True)
    try:
        plan, done = foreseen(node), result_of(cleaned(node))
        assert str(release) not in plan.freed
        assert [entry["path"] for entry in done["left"]] == [str(release)]
        assert "is a mount" in done["left"][0]["why"]
        assert (release / "manifest.json").exists() and not other.exists()
    finally:
        subprocess.run(["umount", str(point)], check=True)
    cleaned(node)
    assert not release.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_mount_that_comes_after_the_move_is_not_gone_into(node: Node, outside: Path) -> None:
    tombs = node.host().releases.tombs
    tomb = tombs.bury(make_release(node.root / "releases", BOX))
    subprocess.run(["mount", "--bind", str(outside), str(tomb / "lib")], check=True)
    try:
        assert [path for path, _why in cleaned(node).left] == [str(tomb)]
        assert tombs.erase(tomb, "manifest.json").left == [(str(tomb / "lib"), "it is a mount")]
    finally:
        subprocess.run(["umount", str(tomb / "lib")], check=True)
    assert cleaned(node).changed and tombs.waiting() == []


@pytest.mark.parametrize("releases", ["/", "/usr/lib", "/var/lib", "{outside}", "{root}"])
def test_a_root_that_is_not_the_fleets_own_is_refused(node: Node, outside: Path, releases: str) -> None:
    layout = json.loads(node.config.read_text())
    layout["releases"] = releases.format(outside=outside, root=node.root)
    node.config.write_text(json.dumps(layout))
    for run in (foreseen, cleaned):
        with pytest.raises(FleetError, match="Nothing was deleted"):
            run(node)
