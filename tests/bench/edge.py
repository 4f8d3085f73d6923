# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests per second and latency straight to a Python SDK server and through the edge, in one run.

``python -m tests.bench.edge``
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from tests.support.command import execute
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports

from .sdk_server import sdk_server
from .ways import Way, compared

PATH = "/mcp"
ROUTE = "/sdk"


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
        straight, edge = Way("straight", server, PATH), Way("edge", port, ROUTE)
        many = compared(straight, edge, 8, options.seconds, options.rounds)
        one = compared(straight, edge, 1, options.seconds, options.rounds)
    reached = many["share"] >= 0.9 and one["added_p50_ms"] <= 0.1
    print(json.dumps({"connections_8": many, "connections_1": one, "reached": reached}))
    return 0


if __name__ == "__main__":
    execute(main)
