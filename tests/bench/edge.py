# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests per second and latency straight to a Python SDK server and through the edge, in one run.

The two ways take turns, so that whatever else the machine does falls on both. ``python -m tests.bench.edge``
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from tests.support.command import execute
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports

from .closed_loop import Measured, measure
from .sdk_server import sdk_server

MODERN = "2026-07-28"
PATH = "/mcp"
ROUTE = "/sdk"


def call(path: str, port: int) -> bytes:
    """A ``tools/call`` of a modern client, as bytes."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    parameters = {"name": "whoami", "arguments": {}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}
    body = json.dumps(message, separators=(",", ":"))
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: whoami\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def pairs(
    straight: int, edge: int, connections: int, seconds: float, rounds: int
) -> list[tuple[Measured, Measured]]:
    """Measurements straight and through the edge, in turns."""
    requests = {straight: call(PATH, straight), edge: call(ROUTE, edge)}
    for port in (straight, edge):
        measure(port, requests[port], connections, 1)
    found = []
    for number in range(rounds):
        order = (straight, edge) if number % 2 == 0 else (edge, straight)
        done = {port: measure(port, requests[port], connections, seconds) for port in order}
        found.append((done[straight], done[edge]))
        print(
            f"{connections} connections: straight {done[straight].rate:7.0f}/s "
            f"p50 {done[straight].percentile(0.5) * 1000:.3f} ms, "
            f"edge {done[edge].rate:7.0f}/s p50 {done[edge].percentile(0.5) * 1000:.3f} ms",
            flush=True,
        )
    return found


def figures(found: list[tuple[Measured, Measured]]) -> dict[str, float]:
    """Medians over the rounds; ``share`` is the edge's rate over the straight one of the same round."""
    return {
        "straight_rps": round(median(one.rate for one, _edge in found)),
        "edge_rps": round(median(edge.rate for _one, edge in found)),
        "share": round(median(edge.rate / one.rate for one, edge in found), 4),
        "straight_p50_ms": round(median(one.percentile(0.5) for one, _edge in found) * 1000, 4),
        "straight_p99_ms": round(median(one.percentile(0.99) for one, _edge in found) * 1000, 4),
        "edge_p50_ms": round(median(edge.percentile(0.5) for _one, edge in found) * 1000, 4),
        "edge_p99_ms": round(median(edge.percentile(0.99) for _one, edge in found) * 1000, 4),
        "added_p50_ms": round(
            median(edge.percentile(0.5) - one.percentile(0.5) for one, edge in found) * 1000, 4
        ),
    }


def main() -> int:
    """Measure, and print one line of JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    server, port = free_ports(2)
    with (
        tempfile.TemporaryDirectory(prefix="mcp-") as folder,
        sdk_server(server),
        HAProxy(Path(folder) / "node", port) as haproxy,
    ):
        haproxy.edge().add_generation("sdk", 1, Target("127.0.0.1", server, PATH))
        haproxy.edge().switch("sdk", 1, ROUTE)
        many = figures(pairs(server, port, 8, options.seconds, options.rounds))
        one = figures(pairs(server, port, 1, options.seconds, options.rounds))
    reached = many["share"] >= 0.9 and one["added_p50_ms"] <= 0.1
    print(json.dumps({"connections_8": many, "connections_1": one, "reached": reached}))
    return 0


if __name__ == "__main__":
    execute(main)
