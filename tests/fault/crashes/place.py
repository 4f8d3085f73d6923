# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node on which everything happens, what is asked of it, and what must be true of it afterwards."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import launched
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from tests.support.client import modern_call
from tests.support.node import Node, raw_box
from tests.support.ports import free_ports

from .operation import forked

POLICY = {
    "ready_timeout": 20, "healthy_threshold": 1, "bake": 0.1, "drain": 10, "stop_timeout": 3,
}  # fmt: skip
FORKS = multiprocessing.get_context("forkserver")
"""Loading what an operation needs takes longer than most operations."""
FORKS.set_forkserver_preload(["__main__", "tests.fault.crashes.operation"])
_DEADLINE = 90.0
"""Seconds after which an operation counts as hanging."""


@dataclass(frozen=True)
class Done:
    """How an operation ended: killed, with an outcome or an error; after how many seconds. Or it hung."""

    killed: bool
    outcome: dict[str, Any]
    seconds: float
    last: str
    hung: bool = False

    @property
    def error(self) -> str | None:
        """What it said when it failed."""
        return self.outcome.get("error")


class Place:
    """A node with the servers ``box`` (always there, under load) and ``guest`` (comes and goes)."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.cut_at: int | None = None
        """The act at which an update is to be cut off, so that there is something to recover."""
        self._ports = {"box": node.slot_ports, "guest": free_ports(2)}

    def raw(self, server: str, version: str) -> dict[str, Any]:
        """The definition of one of the servers."""
        ports = self._ports[server]
        return raw_box(self.node, version, name=server, route=f"/{server}", ports=ports, update=POLICY)

    def run(self, operation: str, server: str, version: str, **harm: Any) -> Done:
        """Do an operation in a process of its own; ``harm`` is what ``operation`` takes."""
        log = self.node.root / "acts.log"
        log.unlink(missing_ok=True)
        asked = {
            "config": str(self.node.config), "raw": self.raw(server, version), "operation": operation,
            "log": str(log), **harm,
        }  # fmt: skip
        told = self.node.root / "outcome.json"
        told.unlink(missing_ok=True)
        started = time.monotonic()
        process = FORKS.Process(target=forked, args=(asked, str(told)))
        process.start()
        process.join(_DEADLINE)
        hung = process.exitcode is None
        if hung and process.pid:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
        killed = process.exitcode == -signal.SIGKILL and not hung and not told.exists()
        outcome = {"error": f"it still ran after {_DEADLINE:g} s"} if hung else {}
        if told.exists():
            outcome = json.loads(told.read_text())
        elif not killed and not hung:
            outcome = {"error": f"it ended with exit code {process.exitcode}"}
        lines = log.read_text().splitlines() if log.exists() else []
        return Done(killed, outcome, time.monotonic() - started, lines[-1] if lines else "", hung)

    def serves(self, server: str) -> str | None:
        """The version that a new client reaches; None when there is no such server."""
        try:
            return modern_call(self.node.url(server), "whoami").split()[0]
        except (OSError, AssertionError):
            return None

    def forget(self, version: str) -> None:
        """Remove a version's release, so that it is installed anew; not one that serves."""
        releases = self.node.host().releases
        for release in releases.all():
            if release.package.version == version:
                releases.remove(release)

    def wrong_between(self) -> list[str]:
        """What must not be, even right after a crash: what serves is served, and what moves has an intent."""
        host = self.node.host()
        wrong = [] if self.serves("box") else [f"box does not serve; {self.node.log()}"]
        try:
            return wrong + [
                f"{server}: map files and the running edge differ, and no journal says why"
                for server in ("box", "guest")
                if not host.edge.agrees(server) and host.journal.load(server).transaction is None
            ]
        except FleetError as error:
            return [*wrong, f"{error}; {self.node.log()}"]

    def is_back(self) -> bool:
        """Whether all that has to be served is, after something was restarted, and the edge can be asked:
        a worker of HAProxy that outlives its master for a moment answers clients alone."""
        host = self.node.host()
        try:
            host.edge.running("box")
        except FleetError:
            return False
        return all(
            host.journal.load(server).active is None or self.serves(server) for server in ("box", "guest")
        )

    def wrong_on_record(self) -> list[str]:
        """What of the audit is not whole."""
        return [f"the audit: {problem}" for problem in check(self.node.host().trail.parts()).problems]

    def wrong_after(self, server: str, version: str | None) -> list[str]:
        """What is not as it has to be after an operation that was run again and came to its end."""
        host = self.node.host()
        wrong = self.wrong_on_record()
        record = host.journal.load(server)
        if self.serves(server) != version:
            wrong.append(f"{server} serves {self.serves(server)}, not {version}")
        if record.transaction is not None:
            wrong.append(f"the journal still has a transaction at {record.transaction.step}")
        if not host.edge.agrees(server):
            wrong.append("map files and the running edge differ")
        if left := host.releases.incomplete():
            wrong.append(f"half-installed releases are left: {left}")
        if unfinished := sorted((self.node.root / "slots").rglob(".*.new")):
            wrong.append(f"files that a killed run was writing are left: {unfinished}")
        running = [found.slot for found in launched(host.files.root, server)]
        if running != ([record.active] if version else []):
            wrong.append(f"processes run in {running}, active is {record.active}")
        if version is None and (self.node.root / "slots" / server).exists():
            wrong.append("files of slots are left")
        if version and not wrong:
            again = Converger(host, parse(self.raw(server, version)), 20).present("settled", apply=False)
            if again.plan.changes:
                wrong.append(f"a second run would change something: {again.plan.lines()}")
        return wrong
