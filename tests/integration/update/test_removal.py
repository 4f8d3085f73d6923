# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are taken away, and come again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.client import modern_call, post
from tests.support.node import Node, box, version

T = TypeVar("T")


def process_of(node: Node) -> int:
    """The process that a new client reaches."""
    return int(modern_call(node.url(), "whoami").split()[1])


class Leaving(Effects):
    """The edge is stopped just before the first act."""

    def __init__(self, node: Node) -> None:
        self._node: Node | None = node

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform it without an edge."""
        if self._node:
            self._node.supervisorctl("stop", "edge")
            self._node = None
        return super().act(name, target, function)


def test_a_removed_server_is_gone_from_the_edge_and_its_folders_and_may_come_again(node: Node) -> None:
    node.update("1.0.0")
    pid = process_of(node)
    definition = box(node, "1.0.0", update={"drain": 0})
    assert node.converger(definition).absent(apply=False).to_json()["changed"]
    assert version(node) == "1.0.0"
    node.converger(definition).absent(apply=True)
    assert post(node.url(), {"method": "ping"})[0] == 404
    assert not Path(f"/proc/{pid}").exists()
    assert not node.converger(definition).absent(apply=True).to_json()["changed"]
    node.update("1.0.0")
    assert version(node) == "1.0.0"


def test_a_removal_that_cannot_go_on_is_said_so_and_gone_on_with_when_the_server_is_wanted_again(
    node: Node,
) -> None:
    node.update("1.0.0")
    for state in ("absent", "present"):
        converger = node.converger(box(node, "1.0.0", update={"drain": 0}), Leaving(node))
        with pytest.raises(UpdateFailed, match="Start the edge"):
            converger.absent(apply=True) if state == "absent" else converger.present("settled", apply=True)
        node.supervisorctl("start", "edge")
    outcome = node.update("1.0.0").to_json()
    assert (outcome["plan"][0], version(node)) == ("remove", "1.0.0")


@pytest.mark.parametrize(
    "served",
    [{}, {"transport": "stdio", "serve": "http"}, {"transport": "stdio"}],
    ids=["http", "bridged", "stdio"],
)
def test_a_server_is_removed_and_taken_back_the_way_it_is_served_whatever_way_is_defined(
    node: Node, served: dict[str, Any]
) -> None:
    slow = {"ready_timeout": 20, "drain": 0}
    node.update("1.0.0", update=slow, **served)
    node.update("2.0.0", update=slow, **served)
    other_way: dict[str, Any] = {
        "transport": "streamable-http" if served == {"transport": "stdio"} else "stdio"
    }
    assert node.roll_back("2.0.0", update=slow, **other_way).to_json()["changed"]
    record = node.host().journal.load("box")
    assert record.active is not None and record.slots[record.active].version == "1.0.0"
    assert not node.update("1.0.0", update=slow, **served).to_json()["changed"]
    definition = box(node, "1.0.0", update={"drain": 0}, **other_way)
    assert node.converger(definition).absent(apply=True).to_json()["changed"]
    assert post(node.url(), {"method": "ping"})[0] == 404
    assert not (node.root / "bin" / "box").is_symlink()
    assert (
        not node.host().driver.status("box", "blue").pid and not node.host().driver.status("box", "green").pid
    )
    assert not node.converger(definition).absent(apply=True).to_json()["changed"]
