# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tier: what it makes of an inventory, and what it says of one that cannot work."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.playbooks.fleet import NODES, Fleet, box
from tests.integration.tier.conftest import CACHE
from tests.support.client import post
from tests.support.ports import free_ports
from tests.support.tier import digest
from tests.support.waiting import wait_for


class Tiered(Fleet):
    """A fleet with an edge over it; nothing runs on its nodes."""

    def __init__(self, root: Path, cache: Path, **variables: Any) -> None:
        [self.port] = free_ports(1)
        self.edges: dict[str, Any] = {"edge1": {"mcp_tier_port": self.port}}
        super().__init__(root, {}, cache, **variables)

    def write(self) -> None:
        """Write the inventory: nodes, and the edges in their group."""
        edges = {"mcp_edges": {"hosts": self.edges}} if self.edges else {}
        everything = {"vars": self.variables, "hosts": self.hosts, "children": edges}
        self.inventory.write_text(yaml.safe_dump({"all": everything}, sort_keys=False))

    def status(self, path: str) -> int:
        """What the tier answers a client without a session."""
        return post(f"http://127.0.0.1:{self.port}{path}", {"method": "tools/list"})[0]

    def close(self) -> None:
        """End the edge's supervisor, which ends HAProxy."""
        if (pid := self.supervisor("edge1")) is not None:
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: self.supervisor("edge1") is None, "the supervisor ends")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Tiered]:
    """An inventory of three nodes and an edge."""
    tiered = Tiered(tmp_path, CACHE)
    try:
        yield tiered
    finally:
        tiered.close()


def test_the_playbook_runs_an_edge_over_the_inventory_and_a_second_run_changes_nothing(fleet: Tiered) -> None:
    fleet.run("tier").succeeded()
    assert (fleet.status("/box"), fleet.status("/other")) == (503, 404)
    places = (fleet.root / "edge1" / "etc" / "tier-places.map").read_text()
    assert places.split() == [word for node in NODES for word in (f"{digest(node)}/box", node)]
    second = fleet.run("tier").succeeded()
    assert re.search(r"^edge1 .* changed=0 ", second.output, re.M)
    supervisor = fleet.supervisor("edge1")
    fleet.variables["mcp_servers"].append(box("other", transport="stdio", serve="http", arguments=[]))
    fleet.write()
    fleet.run("tier", "--tags", "tier").succeeded()
    wait_for(lambda: fleet.status("/other") == 503, "the other server is refused")
    assert fleet.supervisor("edge1") == supervisor


def test_an_inventory_without_edges_is_left_alone(fleet: Tiered) -> None:
    fleet.edges = {}
    fleet.write()
    run = fleet.run("tier").succeeded()
    assert "The group mcp_edges has no hosts: no tier of edges is set up." in run.output


def test_what_a_tier_cannot_work_with_is_named_with_its_cure_before_any_change(fleet: Tiered) -> None:
    fleet.hosts["node1"]["mcp_servers"] = [box("other", route="/box")]
    fleet.hosts["node2"]["ansible_connection"] = "ssh"
    fleet.write()
    output = fleet.run("tier", "--limit", "edge1").failed().output
    assert "the edge of node2 listens where no other machine reaches it" in output
    assert "edge1 cannot balance: the route /box is other on node1 and box on node2; give each" in output
    assert not (fleet.root / "edge1").exists()


def test_a_tier_over_nothing_is_refused(fleet: Tiered) -> None:
    run = fleet.run("tier", mcp_tier_hosts="mcp_edges").failed()
    assert "no host of mcp_edges (its edges apart) serves anything over HTTP" in " ".join(run.output.split())
