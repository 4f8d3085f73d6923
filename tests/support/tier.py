# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real edge of a tier with the role's own configuration, in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from tests.support.haproxy import HAProxy
from tests.support.node import template
from tests.support.waiting import wait_for

Routes = Mapping[str, Mapping[str, int]]
"""Path -> name of a host -> the port of its edge on loopback."""


def digest(host: str) -> str:
    """What stands for a host in the ids of its sessions."""
    return hashlib.sha1(host.encode()).hexdigest()[:12]


def plan(routes: Routes) -> dict[str, Any]:
    """What the role reads from an inventory with these hosts."""
    return {
        "routes": [
            {
                "path": path,
                "backend": f"route:{path[1:]}",
                "guarded": path.startswith("/guarded"),
                "hosts": [
                    {"name": name, "digest": digest(name), "address": "127.0.0.1", "port": port}
                    for name, port in hosts.items()
                ],
            }
            for path, hosts in sorted(routes.items())
        ]
    }


class Tier(HAProxy):
    """One edge of a tier over these routes; checks come faster than by default."""

    def __init__(self, root: Path, port: int, routes: Routes, **settings: Any) -> None:
        self.root = root
        self.port = port
        self.settings = settings
        (root / "run").mkdir(parents=True)
        self.file = root / "tier.cfg"
        self.process = None
        self.configure(routes)

    def __enter__(self) -> Tier:
        self.start()
        return self

    def kill(self) -> None:
        """kill -9 of master and worker, to the moment when the port is given back."""
        super().kill()
        wait_for(lambda: not self._listens(), "HAProxy lets go of its port")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def configure(self, routes: Routes) -> None:
        """Write the configuration; what runs reads it at its next start or ``reload``."""
        variables = {
            "__tier_run": self.root / "run",
            "__tier_names": ["localhost", "127.0.0.1"],
            "__tier_plan": plan(routes),
            "tier_etc": self.root,
            "tier_address": "127.0.0.1",
            "tier_port": self.port,
            "tier_origins": [],
            "tier_check_interval": 1,
            "tier_check_timeout": 1,
            "tier_call_timeout": 300,
            "tier_stream_timeout": 86400,
            "tier_retries": 3,
            "tier_threads": 1,
            **self.settings,
        }
        for name in ("tier-routes.map", "tier-places.map", "tier.cfg"):
            (self.root / name).write_text(template("tier", f"{name}.j2", variables))

    def reload(self) -> None:
        """Let a new worker take over, as the role does; the old one finishes what it has."""
        assert self.process is not None
        # A master that is still busy with the reload before loses the signal.
        Runtime(Effects(), self.root / "run" / "haproxy-master.sock", timeout=5).ask("show proc")
        before = self.worker()
        os.kill(self.process.pid, signal.SIGUSR2)
        wait_for(lambda: self.worker() != before, (self.root / "haproxy.log").read_text)

    def worker(self) -> int:
        """The process that takes new connections."""
        return int(self.ask("show info").split("Pid: ")[1].split("\n")[0])

    def ask(self, command: str) -> str:
        """Ask the running HAProxy."""
        return Runtime(Effects(), self.root / "run" / "tier.sock", timeout=3).ask(command)

    def healthy(self, path: str) -> dict[str, bool]:
        """Which hosts of a route are up, by name."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines() if line.startswith("route:")]
        return {
            row[1]: row[17].startswith("UP")
            for row in rows
            if row[0] == f"route:{path[1:]}" and row[1] not in ("BACKEND", "FRONTEND")
        }

    def await_health(self, path: str, **expected: bool) -> None:
        """Wait until the checks have found hosts of a route up or down as expected."""
        wait_for(
            lambda: {name: self.healthy(path)[name] for name in expected} == expected,
            lambda: self.ask("show stat"),
        )
