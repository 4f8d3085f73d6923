# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the artifacts of two closures differ, in lines."""

from __future__ import annotations

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Artifact
from ansible_collections.mcpops.fleet.plugins.module_utils.release.moved import listed, moved

A1, A2 = Artifact("a", "1.0", ("sha256:1",)), Artifact("a", "2.0", ("sha256:2",))
B1 = Artifact("b", "1.0", ("sha256:3",))


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ([A1, B1], [B1, A1], []),
        ([A1, B1], [A2, B1], ["a 1.0 → 2.0"]),
        ([A1], [A1, B1], ["b – → 1.0"]),
        ([A1, B1], [A1], ["b 1.0 → –"]),
        ([A1, A2], [A2], ["a 1.0 → –"]),
        ([A1], [A1, A2], ["a – → 2.0"]),
        ([A1, B1], [A2], ["a 1.0 → 2.0", "b 1.0 → –"]),
        ([A1], [Artifact("a", "1.0", ("sha256:9",))], ["a 1.0: hashes changed"]),
        ([A1], [Artifact("a", "1.0", ("sha256:1", "sha256:9"))], ["a 1.0: hashes added"]),
        ([Artifact("a", "1.0", ("sha256:1", "sha256:9"))], [A1], ["a 1.0: hashes removed"]),
    ],
)
def test_each_package_that_is_another_has_a_line(
    old: list[Artifact], new: list[Artifact], lines: list[str]
) -> None:
    assert moved(old, new) == lines


def test_a_long_list_ends_with_how_many_more_there_are() -> None:
    lines = [str(number) for number in range(45)]
    assert listed(lines) == [*lines[:40], "and 5 more"]
    assert listed(lines[:40]) == lines[:40]
