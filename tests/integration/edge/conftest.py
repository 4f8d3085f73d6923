# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HAProxy with the role's configuration, its edge, and servers behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from tests.integration.edge.client import Upstream, serve
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports


@pytest.fixture
def upstream() -> Iterator[Callable[..., Upstream]]:
    """Starts servers, on an address if one is given."""
    started: list[Upstream] = []

    def start(address: str = "127.0.0.1") -> Upstream:
        started.append(Upstream(address))
        return started[-1]

    yield start
    for item in started:
        item.close()


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[HAProxy]:
    """One that runs."""
    with HAProxy(tmp_path / "node", free_ports(1)[0]) as running:
        yield running


@pytest.fixture
def edge(haproxy: HAProxy) -> Edge:
    """The edge that it is."""
    return haproxy.edge()


@pytest.fixture
def blue(edge: Edge, upstream: Callable[..., Upstream]) -> Upstream:
    """The first generation of the server time, which clients reach."""
    first = upstream()
    serve(edge, first)
    return first
