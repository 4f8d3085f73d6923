# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a real node: what its history leaves, and what nobody can do to it unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import UpdateFailed
from tests.support.node import Node, box


def lines(node: Node) -> list[dict[str, Any]]:
    chain = check(node.host().trail.parts())
    assert chain.problems == ()
    return [dict(line.fields) for line in chain.lines]


def test_the_whole_history(node: Node) -> None:
    node.update("1.0.0")
    node.update("2.0.0")
    node.update("2.0.0")
    node.roll_back("2.0.0")
    with pytest.raises(UpdateFailed):
        node.update("2.2.0")
    node.converger(box(node, "1.0.0", update={"drain": 0})).absent(apply=True)
    for line in lines(node):
        print(json.dumps(line))
    assert 0
