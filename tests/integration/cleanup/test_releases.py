# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup of a real node deletes, and what it leaves."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from tests.integration.cleanup.cleaning import cleaned, deleted, foreseen, kept
from tests.support.node import Node, version


def test_a_node_is_cleaned_up_and_a_rollback_still_works(node: Node) -> None:
    for number in ("1.0.0", "2.0.0", "3.0.0", "2.12.0"):
        node.update(number, update={"bake": 0})
    plan = foreseen(node)
    assert kept(plan) == {"3.0.0": "a rollback of box returns to it", "2.12.0": "box runs it"}
    assert deleted(plan) == {"1.0.0", "2.0.0"}
    assert all(Path(entry["path"]).exists() for entry in result_of(plan)["found"])
    done = cleaned(node)
    assert set(done.freed) == set(plan.freed)
    assert not any(Path(path).exists() for path in done.freed)
    assert result_of(done)["reclaimed"] == result_of(plan)["reclaimed"] > 10000
    assert result_of(done)["left"] == []
    assert not foreseen(node).changed and not cleaned(node).changed
    node.roll_back("2.12.0")
    assert version(node) == "3.0.0"
