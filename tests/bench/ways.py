# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways to one server, measured in turns, so that whatever else the machine does falls on both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from .closed_loop import Measured, measure

MODERN, LEGACY = "2026-07-28", "2025-11-25"


@dataclass(frozen=True)
class Way:
    """Where to ask on loopback: as a modern client, or in a legacy client's session."""

    name: str
    port: int
    path: str
    session: str | None = None

    def call(self) -> bytes:
        """A ``tools/call`` as bytes."""
        parameters: dict[str, Any] = {"name": "whoami", "arguments": {}}
        if self.session:
            own = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": self.session}
        else:
            own = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "whoami"}
            parameters["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}
        body = json.dumps(message, separators=(",", ":"))
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **own,
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n{body}".encode()


def compared(first: Way, second: Way, connections: int, seconds: float, rounds: int) -> dict[str, float]:
    """Medians over the rounds; ``share`` is the second's rate over the first's of the same round."""
    pairs = _pairs(first, second, connections, seconds, rounds)
    found: dict[str, float] = {}
    for way, ones in zip((first, second), zip(*pairs, strict=True), strict=True):
        found[f"{way.name}_rps"] = round(median(one.rate for one in ones))
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            found[f"{way.name}_{name}_ms"] = round(median(one.percentile(share) for one in ones) * 1000, 4)
    added = median(two.percentile(0.5) - one.percentile(0.5) for one, two in pairs)
    return {
        **found,
        "share": round(median(two.rate / one.rate for one, two in pairs), 4),
        "added_p50_ms": round(added * 1000, 4),
    }


def _pairs(
    first: Way, second: Way, connections: int, seconds: float, rounds: int
) -> list[tuple[Measured, Measured]]:
    calls = {way.name: way.call() for way in (first, second)}
    for way in (first, second):
        measure(way.port, calls[way.name], connections, 1)
    found = []
    for number in range(rounds):
        order = (first, second) if number % 2 == 0 else (second, first)
        done = {way.name: measure(way.port, calls[way.name], connections, seconds) for way in order}
        found.append((done[first.name], done[second.name]))
        lines = [
            f"{name} {one.rate:7.0f}/s p50 {one.percentile(0.5) * 1000:.3f} ms" for name, one in done.items()
        ]
        print(f"{connections} connections: {', '.join(sorted(lines))}", flush=True)
    return found
