# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the edge counts of the eras that its clients use."""

from __future__ import annotations

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.integration.edge.client import (
    INITIALIZE,
    LIST,
    Upstream,
    call,
    open_session,
    open_stream,
)
from tests.support.haproxy import HAProxy


def used(edge: Edge, server: str = "time") -> dict[str, tuple[int, int]]:
    """Requests and sessions of each era, in all HAProxy processes that are there."""
    found: dict[str, tuple[int, int]] = {}
    for worker in edge.eras():
        for era, counted in worker.servers.get(server, {}).items():
            requests, sessions = found.get(era, (0, 0))
            found[era] = (requests + counted.requests, sessions + counted.sessions)
    return found


def test_requests_and_sessions_are_counted_by_era_and_server(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    session = open_session(haproxy)
    call(haproxy, LIST, mcp_session_id=session, mcp_protocol_version="2025-11-25")
    # A client of both eras goes on naming the version it began with; its session says what it speaks.
    call(haproxy, LIST, mcp_session_id=session, mcp_protocol_version="2026-07-28")
    call(haproxy, LIST)
    call(haproxy, LIST, mcp_protocol_version="2026-07-28")
    assert used(edge) == {"legacy": (4, 1), "modern": (1, 0)}
    assert edge.eras()[0].servers["time"]["modern"].idle < 60
    assert used(edge, "other") == {}


def test_neither_the_fleets_own_checks_nor_what_was_refused_is_a_use(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    call(haproxy, INITIALIZE, user_agent="mcpops.fleet")
    call(haproxy, LIST, mcp_protocol_version="2026-07-28", user_agent="mcpops.fleet")
    assert call(haproxy, LIST, mcp_session_id="g1~forged")[0].status == 404
    assert used(edge) == {}


def test_a_stream_that_is_open_is_a_use_under_way(haproxy: HAProxy, edge: Edge, blue: Upstream) -> None:
    stream = open_stream(haproxy, "g1~x")
    assert edge.eras()[0].servers["time"]["legacy"].under_way
    assert haproxy.process is not None
    before = edge.eras()[0].process
    haproxy.process.send_signal(12)
    while len(edge.eras()) < 2 or edge.eras()[0].process == before:
        pass
    # The process that a reload left behind still knows.
    assert [bool(worker.servers) for worker in edge.eras()] == [False, True]
    stream.close()


def test_an_edge_of_an_older_collection_is_not_taken_for_one_that_nobody_used(
    haproxy: HAProxy, edge: Edge
) -> None:
    haproxy.kill()
    text = haproxy.file.read_text()
    kept = [
        line for line in text.splitlines() if "eras" not in line and "sc2" not in line and "(2)" not in line
    ]
    haproxy.file.write_text("\n".join(kept).replace("  stick-table type string len 64 size 10k", "#") + "\n")
    haproxy.start()
    with pytest.raises(FleetError, match="No such table"):
        edge.eras()
