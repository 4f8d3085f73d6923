# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts that serve ``box``, one of them ``solo`` too, and two edges of a tier over them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import wheels
from tests.support.node import Node
from tests.support.ports import free_ports
from tests.support.tier import Routes, Tier

CACHE = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))


@dataclass(frozen=True)
class Hosts:
    """Running hosts, by name."""

    nodes: dict[str, Node]

    @property
    def routes(self) -> Routes:
        """What the tier is told: that both hosts serve both."""
        ports = {name: node.edge_port for name, node in self.nodes.items()}
        return {"/box": ports, "/solo": ports}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Two running hosts; ``solo`` is missing on the second."""
    packages = tmp_path_factory.mktemp("wheels")
    wheels.make_wheels(packages)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in wheels.environment(packages).items():
            patch.setenv(name, value)
        roots = tmp_path_factory.mktemp("n")
        nodes = {name: stack.enter_context(Node(roots / name, CACHE)) for name in ("alpha", "beta")}
        for node in nodes.values():
            node.update("1.0.0")
        nodes["alpha"].update("1.0.0", name="solo", ports=free_ports(2))
        yield Hosts(nodes)


@pytest.fixture
def tiers(tmp_path: Path, hosts: Hosts) -> Iterator[tuple[Tier, Tier]]:
    """Two edges that know the same inventory, and nothing of each other."""
    ports = free_ports(2)
    with (
        Tier(tmp_path / "one", ports[0], hosts.routes) as one,
        Tier(tmp_path / "two", ports[1], hosts.routes) as two,
    ):
        for tier in (one, two):
            tier.await_health("/box", alpha=True, beta=True)
            tier.await_health("/solo", alpha=True, beta=False)
        yield one, two


@pytest.fixture
def tier(tiers: tuple[Tier, Tier]) -> Tier:
    """One of them."""
    return tiers[0]
