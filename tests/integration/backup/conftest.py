# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that serves three servers, and the same node made anew with nothing on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.age import Identity, Recipients
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.collect import collect
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.restore import Restore, Restored
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.store import Store, Stored
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.update.charge import Charge
from ansible_collections.mcpops.fleet.plugins.module_utils.update.info import servers_of
from tests.support import wheels
from tests.support.node import Node
from tests.support.ports import free_ports

CACHE = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))
HOST = "node1"
KEY = pyrage.x25519.Identity.generate()
RECIPIENTS = Recipients([str(KEY.to_public())])


def identity() -> Identity:
    """What the backups here are read with."""
    return Identity(str(KEY))


@dataclass
class Served:
    """``node`` serves ``box``, ``crate`` and over stdio ``tool``, each 2.0.0 after 1.0.0; ``before`` is that
    state, and ``archive`` a backup that was made after it."""

    node: Node
    folder: Path
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    archive: Path = Path()

    def update(self, version: str, *servers: str, phase: str = "settled") -> None:
        """Bring a version of some servers into service, of all where none is named."""
        for name in servers or self.changes:
            self.node.update(version, phase, **self.changes[name])

    def back_up(self, effects: Effects | None = None) -> Stored:
        """Make a backup of what is served now."""
        host = self.node.host(effects)
        return Store(host.effects, self.folder, HOST).make(collect(host, HOST), RECIPIENTS)

    def restore(
        self,
        effects: Effects | None = None,
        apply: bool = True,
        servers: list[str] | None = None,
        name: str = HOST,
        charge: Charge | None = None,
    ) -> Restored:
        """Restore the backup to the node."""
        restore = Restore(self.node.host(effects), name, servers, 10, 10, charge)
        return restore.run(self.archive, identity(), apply)

    def state(self) -> dict[str, Any]:
        """What is served, as ``mcp_server_info`` shows it, without what differs from process to process."""
        found = json.loads(json.dumps(servers_of(self.node.host(), None)))
        for entry in found:
            # Counted by the edge since it started, which here is another one.
            entry.pop("eras_in_use", None)
            for slot in entry["slots"].values():
                slot.update(pid=None, state=slot["state"] in ("running", "starting"))
        return {entry["server"]: entry for entry in found}

    def bare(self) -> None:
        """The host is lost; what the role host and edge make is there again, and nothing else."""
        self.node.stop()
        for path in (self.node.root / "releases").rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(self.node.root)
        self.node.__enter__()

    def version_of_tool(self) -> str:
        """The version of ``tool`` that a client starts."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
        done = subprocess.run(
            [self.node.root / "bin" / "tool"],
            input=json.dumps(message) + "\n", capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return str(json.loads(done.stdout.splitlines()[0])["result"]["content"][0]["text"]).split()[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Iterator[Served]:
    """The node, after each server's update, and while another update of ``box`` is under way."""
    before = dict(os.environ)
    os.environ.update(wheels.environment(packages))
    root = tmp_path_factory.mktemp("b")
    try:
        with Node(root / "node", CACHE) as node:
            served = Served(node, root / "backups")
            served.changes = {
                "box": {},
                "crate": {"name": "crate", "ports": free_ports(2), "credentials": {"SECRET": "another"}},
                "tool": {"name": "tool", "transport": "stdio", "credentials": {"SECRET": "third"}},
            }
            served.update("1.0.0")
            served.update("2.0.0")
            served.before = served.state()
            served.update("3.0.0", "box", phase="staged")
            served.archive = served.back_up().path
            yield served
    finally:
        os.environ.clear()
        os.environ.update(before)
