# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet that is measured: two real servers on every host, one of either era, behind one edge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.lab import REPOSITORY

TIER_PORT = 8090


@dataclass(frozen=True)
class Server:
    """What is deployed, and how its clients are."""

    name: str
    registry_type: str
    identifier: str
    arguments: tuple[str, ...]
    eras: tuple[str, ...]
    streaming: bool

    def definition(self) -> dict[str, Any]:
        """As in an inventory."""
        return {
            "name": self.name,
            "package": {
                "registry_type": self.registry_type,
                "identifier": self.identifier,
                "version": f"{{{{ {self.name}_version }}}}",
            },
            "transport": "streamable-http",
            "arguments": list(self.arguments),
            "update": {"bake": 2, "drain": 30},
        }


SERVERS = (
    Server(
        "duckduckgo", "pypi", "duckduckgo-mcp-server",
        ("--transport", "streamable-http", "--port", "{port}"), ("legacy",), True,
    ),
    Server(
        "context7", "npm", "@upstash/context7-mcp", ("--transport", "http", "--port", "{port}"),
        ("legacy", "modern"), False,
    ),
)  # fmt: skip
OLDER = {"duckduckgo_version": "0.6.1", "context7_version": "4.1.0"}
NEWER = {"duckduckgo_version": "0.7.0", "context7_version": "4.1.1"}


@dataclass(frozen=True)
class Run:
    """How a playbook ended."""

    returncode: int
    seconds: float
    output: str

    @property
    def module_calls(self) -> int:
        """How many modules were run on hosts (a run with -vvv names each)."""
        return self.output.count("Using module file ")

    def succeeded(self) -> Run:
        """This run. Raises RuntimeError with its end when it failed."""
        if self.returncode:
            raise RuntimeError(self.output[-9000:])
        return self


class Fleet:
    """Hosts of a lab's inventory; ``edge`` is the address of the one edge in front of them."""

    def __init__(self, inventory: Path, edge: str) -> None:
        self.inventory = inventory
        self._edge = edge
        settings = yaml.safe_load((REPOSITORY / "inventories/lab/group_vars/all.yml").read_text())
        own = {
            **OLDER,
            "mcp_servers": [server.definition() for server in SERVERS],
            "mcp_tier_port": TIER_PORT,
            "mcp_tier_address": "0.0.0.0",
            "mcp_tier_names": [edge],
            # A failed connection is counted, not tried again, so that nothing is hidden.
            "mcp_edge_retries": 0,
        }
        folder = inventory.parent / "group_vars"
        folder.mkdir(exist_ok=True)
        (folder / "all.yml").write_text(yaml.safe_dump({**settings, **own}))

    def url(self, route: str, port: int = TIER_PORT) -> str:
        """Where clients reach a server."""
        return f"http://{self._edge}:{port}/{route}"

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """Run one of the collection's playbooks, or one by its path."""
        argv = [
            str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.inventory),
            playbook if "/" in playbook else f"mcpops.fleet.{playbook}", *arguments,
            *(("-e", json.dumps(variables)) if variables else ()),
        ]  # fmt: skip
        started = time.monotonic()
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            check=False, cwd=self.inventory.parent, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        return Run(done.returncode, time.monotonic() - started, done.stdout)
