# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk without room is noticed before, and when it fills up on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release import tree
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.release.place import MEMORY, SHARED_CACHE, TIME, releases

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="a small file system needs root to be mounted"
)

Mount = Callable[[str], Path]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system with the given options; it is taken down after the test."""
    place = tmp_path / "small"
    place.mkdir()

    def mount(options: str) -> Path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
        return place

    yield mount
    if os.path.ismount(place):
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [("size=50m", "50 MB free, 200 MB needed"), ("size=1g,nr_inodes=100", "inodes free, 5000 needed")],
)
@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_too_little_room_is_refused_before_anything_is_fetched(
    small: Mount, options: str, said: str, package: Package
) -> None:
    root = small(options) / "releases"
    with pytest.raises(FleetError) as caught:
        releases(root, SHARED_CACHE).install(package, timeout=60)
    assert said in caught.value.came_back
    assert str(root) in caught.value.came_back
    assert not root.exists()


@pytest.mark.parametrize("options", ["size=5m", "size=1g,nr_inodes=400"])
@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_a_disk_that_fills_up_on_the_way_leaves_no_release(
    small: Mount, monkeypatch: pytest.MonkeyPatch, options: str, package: Package
) -> None:
    monkeypatch.setattr(tree, "ROOM_BYTES", 0)
    monkeypatch.setattr(tree, "ROOM_INODES", 0)
    place = small(options)
    host = releases(place / "releases", SHARED_CACHE)
    with pytest.raises(FleetError) as caught:
        host.install(package, timeout=120)
    # npm exits 0 on a full disk: that it was noticed then, and not by what we write after it, is the point.
    tool = {"npm": "npm", "pypi": "uv"}[package.registry_type]
    assert f"the disk has no room ({tool}: " in caught.value.came_back
    assert "Free space or inodes" in caught.value.cure
    assert host.find(package) is None
    assert host.incomplete() == []
    assert [path for path in place.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
