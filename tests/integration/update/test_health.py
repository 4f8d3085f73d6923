# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a health check says of a server that does not answer depends on whether it should."""

from __future__ import annotations

from ansible_collections.mcpops.fleet.plugins.module_utils.update.health import check
from tests.support.node import Node, box


def test_a_server_that_is_not_in_service_here_is_told_from_one_that_does_not_answer(node: Node) -> None:
    definition = box(node, "1.0.0")
    problem = str(check(node.host(), definition, None, 10).problem)
    assert "the host has it not in service" in problem and "Deploy it" in problem
    node.update("1.0.0")
    assert check(node.host(), definition, None, 10).problem is None
    record = node.host().journal.load("box")
    assert record.active is not None
    node.host().driver.stop("box", record.active, 5)
    assert "See the log of its slot" in str(check(node.host(), definition, None, 10).problem)
