# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates and rollbacks in turn under load of both eras on one embedded node; then the usual way.

Each update installs the release anew (its directory is moved away before; packages are cached), starts it,
proves it, switches, drains and stops the old slot. Nothing is deleted before the end: no update deletes a
release, and a file system that has just let go of thousands of files is slow for whoever comes next.
``python -m tests.bench.update --rounds 20``
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.load.control import Load
from tests.load.options import Options, Target
from tests.support.command import execute
from tests.support.node import Node
from tests.support.ports import free_ports

from .module import mcp_update
from .usual import measure as measure_usual

ROOT = Path(__file__).resolve().parents[2]
POLICY = {"bake": 0, "drain": 30, "healthy_threshold": 3}


@dataclass
class Server:
    """A server that goes to and fro between two versions, in every so many rounds; times in seconds, switches
    in milliseconds."""

    name: str
    registry_type: str
    identifier: str
    versions: tuple[str, str]
    arguments: tuple[str, ...]
    eras: tuple[str, ...]
    streaming: bool
    every: int
    updates: list[float] = field(default_factory=list)
    rollbacks: list[float] = field(default_factory=list)
    switches: list[float] = field(default_factory=list)

    def definition(self, version: str) -> dict[str, Any]:
        """As in an inventory."""
        return {
            "name": self.name,
            "package": {
                "registry_type": self.registry_type,
                "identifier": self.identifier,
                "version": version,
            },
            "transport": "streamable-http",
            "arguments": list(self.arguments),
            "update": POLICY,
        }


SERVERS = (
    Server(
        "duckduckgo", "pypi", "duckduckgo-mcp-server", ("0.6.1", "0.7.0"),
        ("--transport", "streamable-http", "--port", "{port}"), ("legacy",), True, 1,
    ),
    Server(
        "context7", "npm", "@upstash/context7-mcp", ("4.1.0", "4.1.1"),
        ("--transport", "http", "--port", "{port}"), ("legacy", "modern"), False, 4,
    ),
)  # fmt: skip


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Bench:
    """A node with both servers, and the load on it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._spent = node.root.parent / "spent"
        self._spent.mkdir()

    def deploy(self) -> None:
        """The older version of each."""
        for server in SERVERS:
            mcp_update(self._node.config, server.definition(server.versions[0]))

    def load(self) -> Options:
        """Clients of both eras, sessions of some seconds, event streams."""
        targets = tuple(
            Target(server.name, self._node.url(server.name), server.eras, streaming=server.streaming)
            for server in SERVERS
        )
        return Options(
            targets=targets, legacy=4, modern=4, streams=2, think=0.2, session_seconds=1, stream_seconds=1
        )

    def round(self, server: Server) -> None:
        """One update with its installation, and one rollback."""
        self._forget(server.versions[1])
        wanted = server.definition(server.versions[1])
        result, seconds = mcp_update(self._node.config, wanted)
        server.updates.append(seconds)
        server.switches.append(result["switch_ms"])
        back, seconds = mcp_update(self._node.config, wanted, state="rolled_back")
        server.rollbacks.append(seconds)
        server.switches.append(back["switch_ms"])
        steps = ", ".join(f"{step['step']} {step['seconds']:.2f}" for step in result["steps"])
        print(
            f"{server.name:10} update {server.updates[-1]:5.2f} s ({steps}), rollback {seconds:5.2f} s",
            flush=True,
        )

    def _forget(self, version: str) -> None:
        for release in self._node.host().releases.all():
            if release.package.version == version:
                release.path.rename(self._spent / str(len(list(self._spent.iterdir()))))


def figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """The line of JSON."""
    switches = [value for server in SERVERS for value in server.switches]
    pypi, npm = SERVERS
    return {
        "requests": report["requests"],
        "failed": report["failed"],
        "failures": report["failures"],
        "sessions": report["sessions"]["opened"],
        "sessions_lost": report["sessions"]["lost"],
        "streams": report["streams"]["opened"],
        "streams_cut": report["streams"]["cut"],
        "updates": sum(len(server.updates) for server in SERVERS),
        "rollbacks": sum(len(server.rollbacks) for server in SERVERS),
        "switch_ms_p50": round(percentile(switches, 0.5), 3),
        "switch_ms_p99": round(percentile(switches, 0.99), 3),
        "update_s_p50": round(percentile(pypi.updates, 0.5), 3),
        "update_s_p99": round(percentile(pypi.updates, 0.99), 3),
        "rollback_s_p50": round(percentile(pypi.rollbacks, 0.5), 3),
        "npm_update_s_p50": round(percentile(npm.updates, 0.5), 3),
        "npm_rollback_s_p50": round(percentile(npm.rollbacks, 0.5), 3),
        "latency_ms_p99": report["latency_ms"]["p99"],
    }


def main() -> int:
    """Measure, and print one line of JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of the PyPI server; npm every fourth")
    parser.add_argument("--usual", type=int, default=6, help="updates by the usual way")
    options = parser.parse_args()
    cache = ROOT / ".work" / "bench" / "cache"
    folder = Path(tempfile.mkdtemp(prefix="mcp-"))
    try:
        node = Node(folder / "node", cache)
        node.slot_ports = _range_of_ports()
        with node:
            bench = Bench(node)
            bench.deploy()
            with Load.start(bench.load()) as load:
                load.until(lambda report: report["requests"] > 100)
                for number in range(options.rounds):
                    for server in SERVERS:
                        if number % server.every == 0:
                            bench.round(server)
                report = load.stop()
        print("the usual way: installing in place, restarting", flush=True)
        pypi = SERVERS[0]
        usual = measure_usual(folder, cache, pypi.identifier, pypi.versions, options.usual, bench.load())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for first in report["first_failures"]:
        print(f"failure: {first}")
    print(json.dumps({**figures(report), "usual": usual}))
    return 0


def _range_of_ports() -> list[int]:
    ports = free_ports(4)
    return [min(ports), min(ports) + 400]


if __name__ == "__main__":
    execute(main)
