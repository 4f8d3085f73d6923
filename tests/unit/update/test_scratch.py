# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder in which something is tried out goes with all that was left in it, whatever a server did there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.update.scratch import scratch
from tests.support.nested import nested

NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of an account that is not root's: root may list whatever it is."""
    base = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(base, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield base / "previews"
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(base)


def test_a_folder_that_nobody_may_list_is_removed_with_the_others(home: Path) -> None:
    for _time in range(2):
        with scratch(Effects(), home, "box") as folder:
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b").chmod(0)
            (folder / "a").chmod(0)
    assert not home.exists()


def test_what_cannot_be_removed_keeps_nobody_from_another_folder(home: Path) -> None:
    home.mkdir()
    left = home / "box.left"
    left.mkdir()
    left.chmod(0)
    with scratch(Effects(), home, "box") as folder:
        assert folder.is_dir()


def test_folders_in_folders_are_removed_however_deep_they_are(tmp_path: Path) -> None:
    with nested(tmp_path, tmp_path / "x", 3000):
        with scratch(Effects(), tmp_path / "previews", "box") as folder:
            (tmp_path / "x").rename(folder / "x")
        assert not (tmp_path / "previews").exists()
