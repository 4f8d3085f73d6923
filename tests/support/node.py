# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole embedded node in a folder of the test's: supervisord, HAProxy, and what the role host leaves."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server import ServerDefinition
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.host.layout import read_layout
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import Host, open_host
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome
from tests.support.waiting import wait_for

from .client import modern_call
from .haproxy import configuration
from .ports import free_ports
from .wheels import IDENTIFIER

ROLES = Path(__file__).parents[2] / "roles"
BRIDGE = ROLES / "host" / "files" / "bridge"
LAUNCH = ROLES / "host" / "files" / "mcp-launch"


def template(role: str, name: str, variables: Mapping[str, Any]) -> str:
    """A template of a role, filled in."""
    text = (ROLES / role / "templates" / name).read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return environment.from_string(text).render({"ansible_managed": "for a test", **variables}) + "\n"


class Node:
    """Starts on entry; everything it started has ended after exit."""

    def __init__(self, root: Path, cache: Path, session_idle: int = 3600) -> None:
        self.root = root
        self.session_idle = session_idle
        self.cache = cache
        self.edge_port, *slots = free_ports(3)
        self.slot_ports = [min(slots), max(slots)]
        self.bridge_digest = "a bridge"
        self.config = root / "etc" / "host.json"
        self.runtime = Path(sys.executable).parent
        self.supervisord: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Node:
        for folder in ("etc/programs", "edge", "run", "logs", "libexec"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(LAUNCH, self.root / "libexec" / "mcp-launch")
        for name in ("routes", "active", "generations"):
            (self.root / "edge" / f"{name}.map").touch()
        self.write_layout()
        etc = self.root / "etc"
        (etc / "haproxy.cfg").write_text(
            configuration(self.root, self.edge_port, edge_session_idle=self.session_idle)
        )
        haproxy = {
            "edge_root": self.root,
            "edge_etc": etc,
            "__edge_run": self.root / "run",
            "__edge_name": "edge",
            "__edge_base": "haproxy",
            "__edge_binary": shutil.which("haproxy"),
        }
        (etc / "programs" / "edge.conf").write_text(template("edge", "edge.conf.j2", haproxy))
        (etc / "supervisord.conf").write_text(
            template("host", "supervisord.conf.j2", {"host_root": self.root, "host_etc": etc})
        )
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_layout(self) -> None:
        """What the role host leaves about the node."""
        self.config.write_text(json.dumps(self._layout()))

    def start(self) -> None:
        """Start supervisord, and wait for the edge."""
        self.supervisord = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "supervisor.supervisord",
                "-n",
                "-c",
                str(self.root / "etc" / "supervisord.conf"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for((self.root / "run" / "haproxy.sock").exists, self.log)

    def stop(self) -> None:
        """End supervisord, which ends all that it started."""
        if self.supervisord is not None:
            self.supervisord.terminate()
            self.supervisord.wait(30)

    def supervisorctl(self, *command: str) -> None:
        """What an operator types on the node."""
        control = ["-m", "supervisor.supervisorctl", "-c", str(self.root / "etc" / "supervisord.conf")]
        subprocess.run([sys.executable, *control, *command], check=True, capture_output=True)

    def supervisor(self) -> int:
        """The process id of supervisord."""
        assert self.supervisord is not None
        return self.supervisord.pid

    def edge_processes(self) -> list[int]:
        """The process ids of HAProxy: its master and its workers."""
        masters = [pid for pid in children(self.supervisor()) if b"haproxy" in command_line(pid)]
        return [pid for master in masters for pid in (master, *children(master))]

    def crash(self) -> None:
        """End all that runs at once, as a power loss does."""
        running = [self.supervisor(), *descendants(self.supervisor())]
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.supervisord is not None
        self.supervisord.wait(30)
        wait_for(lambda: not any(map(command_line, running)), "what it started ends")

    def log(self) -> str:
        """What the node's processes wrote."""
        return "\n".join(
            f"{path.name}: {path.read_text()[-2000:]}" for path in (self.root / "logs").glob("*.log")
        )

    def _layout(self) -> dict[str, Any]:
        root = str(self.root)
        npm = shutil.which("npm")
        return {
            "schema": 1,
            "releases": f"{root}/releases",
            "cache": str(self.cache),
            "state": f"{root}/state",
            "slots": f"{root}/slots",
            "logs": f"{root}/logs",
            "data": f"{root}/data",
            "clients": None,
            "unprivileged": [],
            "launchers": f"{root}/bin",
            "launcher": [sys.executable, "-I", "-S", f"{root}/libexec/mcp-launch"],
            "uv": str(self.runtime / "uv"),
            "python": sys.executable,
            "node": shutil.which("node"),
            "npm": [npm] if npm else [],
            "driver": {
                "name": "supervisord",
                "socket": f"{root}/run/supervisor.sock",
                "programs": f"{root}/etc/programs",
            },
            "bridge": {"argv": [sys.executable, "-I", str(BRIDGE)], "digest": self.bridge_digest},
            "ports": self.slot_ports,
            "edge": {
                "socket": f"{root}/run/haproxy.sock",
                "master": f"{root}/run/haproxy-master.sock",
                "maps": f"{root}/edge",
                "address": "127.0.0.1",
                "port": self.edge_port,
                "session_idle": self.session_idle,
            },
        }

    def host(self, effects: Effects | None = None) -> Host:
        """The node as the updater sees it."""
        return open_host(read_layout(self.config), effects or Effects())

    def url(self, server: str = "box") -> str:
        """Where clients reach a server."""
        return f"http://127.0.0.1:{self.edge_port}/{server}"

    def converger(self, definition: ServerDefinition, effects: Effects | None = None) -> Converger:
        """The updater of one server."""
        return Converger(self.host(effects), definition, lock_timeout=20)

    def update(self, version: str, phase: str = "settled", **changes: Any) -> Outcome:
        """Bring a version of the test server into service."""
        return self.converger(box(self, version, **changes)).present(phase, apply=True)

    def roll_back(self, version: str, unfinished_only: bool = False, **changes: Any) -> Outcome:
        """Go back from the last update."""
        return self.converger(box(self, version, **changes)).rolled_back(unfinished_only, apply=True)


def version(node: Node, server: str = "box") -> str:
    """The version of the test server that a new client reaches."""
    return modern_call(node.url(server), "whoami").split()[0]


def box(node: Node, version: str, **changes: Any) -> ServerDefinition:
    """The definition of the server ``box``: a version of the test server. ``changes`` replace keys of it."""
    return parse(raw_box(node, version, **changes))


def raw_box(node: Node, version: str, **changes: Any) -> dict[str, Any]:
    """The same as it would stand in an inventory."""
    raw: dict[str, Any] = {
        "name": "box",
        "package": {"registry_type": "pypi", "identifier": IDENTIFIER, "version": version},
        "transport": "streamable-http",
        "arguments": ["--port", "{port}"],
        "credentials": {"SECRET": "s3cr3t-value"},
        "ports": node.slot_ports,
        "require": {"tools": ["whoami"]},
        "update": {"ready_timeout": 8, "healthy_threshold": 2, "bake": 0.3, "drain": 8, "stop_timeout": 3},
    }
    for key, value in changes.items():
        raw[key] = (
            {**raw[key], **value} if isinstance(value, dict) and isinstance(raw.get(key), dict) else value
        )
    if raw.get("serve") == "http":
        raw.update(arguments=[])
    elif raw["transport"] == "stdio":
        raw.pop("ports"), raw.update(arguments=[])
    return {key: value for key, value in raw.items() if value is not None}


def kill_in(node: Node, slot: str, times: int) -> None:
    """Kill a slot's process, and as often the one that is started in its place."""
    killed: set[int] = set()

    def another() -> int | None:
        pid = node.host().driver.status("box", slot).pid
        return None if pid in killed else pid

    for _time in range(times):
        pid = wait_for(another, "it is started again")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)


def children(pid: int) -> list[int]:
    """The process ids of a process's children; none when it has ended."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def descendants(pid: int) -> list[int]:
    """The process ids of its children, their children and so on."""
    return [each for child in children(pid) for each in (child, *descendants(child))]


def command_line(pid: int) -> bytes:
    """A process's command line; empty when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def environment_of(pid: int) -> dict[str, str]:
    """A process's environment."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)
