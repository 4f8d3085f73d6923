# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tier of edges costs: the hop, checks, memory, and playbooks over a large inventory; last line JSON.

The large fleet is one of names: all its hosts are the one edge that runs here. ``make bench-tier``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from tests.support.client import LegacySession
from tests.support.command import execute
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports
from tests.support.tier import Tier, digest

from .sdk_server import ROOT, sdk_server
from .ways import Way, compared

ROUTE = "/sdk"
SELDOM = 3600
"""Seconds between checks where they are not what is measured."""


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="make bench-tier")
    parser.add_argument("--hosts", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tier-") as folder, _edge(Path(folder)) as edge:
        figures = {
            **_hop(Path(folder), edge, given),
            **_checks(Path(folder), edge),
            **_playbooks(Path(folder), given.hosts),
        }
    print(json.dumps(figures))
    return 0


@contextmanager
def _edge(folder: Path) -> Iterator[HAProxy]:
    server, port = free_ports(2)
    with sdk_server(server), HAProxy(folder / "node", port) as haproxy:
        haproxy.edge().add_generation("sdk", 1, Target("127.0.0.1", server, "/mcp"))
        haproxy.edge().switch("sdk", 1, ROUTE)
        yield haproxy


@contextmanager
def _tier(folder: Path, edge: HAProxy, hosts: int, routes: int, **settings: Any) -> Iterator[Tier]:
    """A tier whose hosts are all the one edge; of its routes only the first is served there."""
    [port] = free_ports(1)
    named = {f"node{number}": edge.port for number in range(hosts)}
    paths = [ROUTE, *(f"/other{number}" for number in range(1, routes))]
    with Tier(folder, port, dict.fromkeys(paths, named), **settings) as tier:
        yield tier


def _hop(folder: Path, edge: HAProxy, given: argparse.Namespace) -> dict[str, Any]:
    """The hop over one host, and what a session among many hosts adds to that."""
    seldom = {"tier_check_interval": SELDOM}
    with (
        _tier(folder / "small", edge, 1, 1, **seldom) as small,
        _tier(folder / "large", edge, given.hosts, 5, **seldom) as large,
    ):
        straight, one = Way("edge", edge.port, ROUTE), Way("tier", small.port, ROUTE)
        # A session of the edge, as each of the two tiers names it: with its host.
        session = LegacySession(f"http://127.0.0.1:{edge.port}{ROUTE}").headers["Mcp-Session-Id"]
        alone = Way("alone", small.port, ROUTE, f"{digest('node0')}.{session}")
        among = Way("among", large.port, ROUTE, f"{digest(f'node{given.hosts - 1}')}.{session}")
        return {
            "hop_connections_1": compared(straight, one, 1, given.seconds, given.rounds),
            "hop_connections_8": compared(straight, one, 8, given.seconds, given.rounds),
            "session_among_hosts": compared(alone, among, 1, given.seconds, given.rounds),
            "hosts": given.hosts,
            "memory_mb_5_servers": round(_resident(large.worker()) / 1e6),
        }


def _checks(folder: Path, edge: HAProxy, hosts: int = 300, seconds: float = 10.0) -> dict[str, float]:
    """Processor time of either edge for each check: of the tier's, which makes it, and of the host's."""
    with _tier(folder / "checking", edge, hosts, 1, tier_check_interval=1) as tier:
        tier.await_health(ROUTE, **{f"node{hosts - 1}": True})
        workers = {"tier": tier.worker(), "edge": int(_info(edge, "Pid"))}
        asked, used = _requests(edge), {name: _processor(pid) for name, pid in workers.items()}
        time.sleep(seconds)
        # A check asks, and then ends the session that its answer may have opened.
        checks = (_requests(edge) - asked) / 2
        return {
            "checks_per_s": round(checks / seconds),
            **{
                f"check_{name}_cpu_ms": round((_processor(pid) - used[name]) / checks * 1000, 3)
                for name, pid in workers.items()
            },
        }


def _playbooks(folder: Path, hosts: int, servers: int = 10) -> dict[str, float]:
    """Seconds of the gate, and of reading the inventory for each of two edges, over a fleet of names."""
    [port] = free_ports(1)
    seconds = {}
    for size in (1, hosts):
        inventory = folder / f"hosts-{size}.yml"
        inventory.write_text(yaml.safe_dump(_inventory(folder, size, servers, port)))
        for name, arguments in (
            ("gate", ["mcpops.fleet.preflight"]),
            ("tier", ["mcpops.fleet.tier", "--tags=tier_preflight"]),
        ):
            seconds[name, size] = _timed(inventory, arguments)
            print(f"{name} over {size} hosts of {servers} servers: {seconds[name, size]:.1f} s", flush=True)
    return {
        "gate_s_10_servers": round(seconds["gate", hosts], 1),
        "tier_inventory_s_per_edge_10_servers": round((seconds["tier", hosts] - seconds["tier", 1]) / 2, 1),
    }


def _inventory(folder: Path, hosts: int, servers: int, port: int) -> dict[str, Any]:
    definitions = [
        {
            "name": f"server{number}",
            "package": {"registry_type": "pypi", "identifier": f"server-{number}", "version": "1.0.0"},
            "transport": "streamable-http",
            "arguments": ["--port", "{port}"],
        }
        for number in range(servers)
    ]
    here = {"ansible_connection": "local", "mcp_driver": "supervisord"}
    return {
        "all": {
            "vars": {
                "ansible_python_interpreter": sys.executable,
                "mcp_root": f"{folder}/{{{{ inventory_hostname }}}}",
                "mcp_tier_port": port,
            },
            "children": {
                "mcp": {
                    "hosts": {f"node{number}": {} for number in range(hosts)},
                    "vars": {
                        "ansible_connection": "ssh",
                        "mcp_edge_address": "0.0.0.0",
                        "mcp_servers": definitions,
                    },
                },
                "mcp_edges": {"hosts": {"edge1": {}, "edge2": {}}, "vars": here},
            },
        }
    }


def _timed(inventory: Path, arguments: list[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".work" / "links")},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"ansible-playbook {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def _requests(edge: HAProxy) -> int:
    """HTTP requests that an edge has had so far."""
    return int(_info(edge, "CumReq"))


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _info(edge: HAProxy, name: str) -> str:
    shown = Runtime(Effects(), edge.root / "run" / "haproxy.sock", timeout=3).ask("show info")
    return next(line.split(": ")[1] for line in shown.splitlines() if line.startswith(f"{name}: "))


if __name__ == "__main__":
    execute(main)
