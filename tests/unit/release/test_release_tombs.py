# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was moved away is removed whatever it is made of, and nothing else is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.tombs import Tombs
from tests.support.nested import nested


@pytest.mark.parametrize("depth", [3, 450, 1200])
def test_folders_in_folders_are_removed_however_deep_they_are(tmp_path: Path, depth: int) -> None:
    tombs = Tombs(Effects(), tmp_path)
    with nested(tmp_path, tmp_path / "npm" / "box", depth):
        erased = tombs.erase(tombs.bury(tmp_path / "npm" / "box"))
        assert (erased.left, erased.removed) == ([], depth + 2)
        assert not tombs.waiting()


def test_what_cannot_be_removed_is_told_once_and_all_else_goes(tmp_path: Path) -> None:
    class Clinging(Effects):
        def act(self, name: str, target: str, function: Callable[[], Any]) -> Any:
            if (name, target[-4:]) == ("unlink", "/b/x"):
                raise PermissionError(1, "Operation not permitted")
            return super().act(name, target, function)

    tombs = Tombs(Clinging(), tmp_path)
    for name in ("a/y", "b/x", "b/y", "c/y"):
        (tmp_path / "npm" / "box" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "npm" / "box" / name).write_text("1")
    tomb = tombs.bury(tmp_path / "npm" / "box")
    erased = tombs.erase(tomb)
    assert erased.left == [(str(tomb / "b" / "x"), "Operation not permitted")]
    assert sorted(str(path.relative_to(tomb)) for path in tomb.rglob("*")) == ["b", "b/x"]
    assert (erased.removed, erased.size) == (5, 3)


def test_a_folder_that_is_moved_while_it_is_emptied_takes_nothing_of_its_new_place_with_it(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    (other / "inner").mkdir(parents=True)

    class Moving(Effects):
        def act(self, name: str, target: str, function: Callable[[], Any]) -> Any:
            if name == "unlink":
                os.rename(Path(target).parent, other / "box")
            return super().act(name, target, function)

    tombs = Tombs(Moving(), tmp_path)
    (tmp_path / "npm" / "box" / "inner").mkdir(parents=True)
    (tmp_path / "npm" / "box" / "inner" / "file").touch()
    erased = tombs.erase(tombs.bury(tmp_path / "npm" / "box"))
    assert [why for _path, why in erased.left] == ["it was moved while it was being removed"]
    assert sorted(path.name for path in other.iterdir()) == ["box", "inner"]
