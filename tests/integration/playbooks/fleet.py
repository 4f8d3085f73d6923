# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An embedded fleet in a folder of the test's, worked on by the real ansible-playbook as a user would."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage
import yaml

from tests.support.client import modern_call
from tests.support.ports import free_ports
from tests.support.waiting import wait_for
from tests.support.wheels import IDENTIFIER

REPOSITORY = Path(__file__).parents[3]
NODES = ("node1", "node2", "node3")
LOST = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
"""How a host is reached that cannot be reached: nobody listens at that port."""
SECRET = "s3cr3t-of-the-fleet"
KEY = pyrage.x25519.Identity.generate()
"""What the backups of all fleets are encrypted for."""
SLOT_PORTS = 6

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)
_STATS = re.compile(r"^\s+RUN: (\{.*\})$", re.M)


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook left: its exit code and all that it printed."""

    rc: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The play recap: per node the numbers of ok, changed, unreachable, failed."""
        names = ("ok", "changed", "unreachable", "failed")
        return {
            host: dict(zip(names, map(int, rest), strict=True))
            for host, *rest in _RECAP.findall(self.output)
            if host in NODES
        }

    @property
    def report(self) -> Any:
        """What the run reported of an update."""
        return self.stats("mcp_update") or {}

    def stats(self, name: str) -> Any:
        """One thing that the run reported with ``set_stats``; None when it did not."""
        found = _STATS.findall(self.output)
        return json.loads(found[-1]).get(name) if found else None

    @property
    def summary(self) -> str:
        """The summary at the end."""
        return self.output.rpartition("TASK [Say what each host runs]")[2].partition("\nTASK")[0]

    def succeeded(self) -> Run:
        """This run, when its exit code is 0."""
        assert self.rc == 0, self.output
        return self

    def failed(self) -> Run:
        """This run, when its exit code is not 0."""
        assert self.rc != 0, self.output
        return self

    def tasks(self) -> list[str]:
        """Names of the tasks, in order."""
        return re.findall(r"^TASK \[(.*)\] \**$", self.output, re.M)


class Fleet:
    """Three nodes on this machine and their inventory. Everything they started has ended after ``close``.

    :param runtime: the folder of the runtime, which fleets share.
    :param variables: variables that the inventory sets for all hosts.
    """

    def __init__(self, root: Path, packages: Mapping[str, str], cache: Path, **variables: Any) -> None:
        self.root = root
        self.deployment: Run | None = None
        root.mkdir(parents=True, exist_ok=True)
        self.ports = {node: free_ports(SLOT_PORTS + 1)[0] for node in NODES}
        self.inventory = root / "hosts.yml"
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_pipelining": True,
            "mcp_driver": "supervisord",
            "mcp_root": f"{root}/{{{{ inventory_hostname }}}}",
            "mcp_cache": str(cache),
            "mcp_runtime": str(REPOSITORY / ".work" / "playbooks-runtime"),
            "mcp_update_waves": [1, "100%"],
            "mcp_backup_recipients": [str(KEY.to_public())],
            "box_version": "1.0.0",
            "mcp_servers": [box()],
            **variables,
        }
        self.hosts: dict[str, dict[str, Any]] = {
            node: {"mcp_edge_port": port, "mcp_slot_ports": [port + 1, port + SLOT_PORTS]}
            for node, port in self.ports.items()
        }
        self.write()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            **packages,
            "ANSIBLE_HOME": str(root / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".work" / "links"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_FORKS": "3",
            "PYTHONUNBUFFERED": "1",
        }

    def write(self) -> None:
        """Write the inventory."""
        everything = {"all": {"vars": self.variables, "hosts": self.hosts}}
        self.inventory.write_text(yaml.safe_dump(everything, sort_keys=False))

    def move_edge(self, node: str) -> None:
        """Give a node's edge another port, for good."""
        self.ports[node] = self.hosts[node]["mcp_edge_port"] = free_ports(1)[0]
        self.write()

    @contextlib.contextmanager
    def changed(self, node: str | None = None, **variables: Any) -> Iterator[None]:
        """Other variables for a while, of one node or of all."""
        before = copy.deepcopy((self.variables, self.hosts))
        (self.hosts[node] if node else self.variables).update(variables)
        self.write()
        try:
            yield
        finally:
            self.variables, self.hosts = before
            for name, port in self.ports.items():
                self.hosts[name]["mcp_edge_port"] = port
            self.write()

    def start(self, playbook: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
        """Start ``ansible-playbook mcpops.fleet.PLAYBOOK`` in a session of its own."""
        argv = [
            str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.inventory),
            playbook if "/" in playbook else f"mcpops.fleet.{playbook}", *arguments,
            *(("-e", json.dumps(variables)) if variables else ()),
        ]  # fmt: skip
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            cwd=self.root, env=self.environment, start_new_session=True,
        )  # fmt: skip

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook to its end; ``variables`` are given with ``-e``."""
        process = self.start(playbook, *arguments, **variables)
        try:
            output, _errors = process.communicate(timeout=150)
        finally:
            kill_session(process)
        return Run(process.returncode, output)

    def run_role(self, node: str) -> Run:
        """Run the role server from a playbook of one's own, with its argument check, and say all there is."""
        playbook = self.root / "own.yml"
        role = {
            "ansible.builtin.include_role": {"name": "mcpops.fleet.server"},
            "vars": {"server_name": "box"},
        }
        playbook.write_text(yaml.safe_dump([{"hosts": node, "gather_facts": False, "tasks": [role]}]))
        return self.run(str(playbook), "-vvv", "--diff").succeeded()

    def supervisorctl(self, node: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Ask a node's supervisord."""
        control = Path(self.variables["mcp_runtime"]) / "bin" / "supervisorctl"
        configuration = self.root / node / "etc" / "supervisord.conf"
        return subprocess.run(
            [control, "-c", configuration, *command], capture_output=True, text=True, timeout=60, check=False
        )

    def slot(self, node: str) -> str:
        """The slot that serves on a node."""
        return "green" if "green" in self.environment_of(self.process(node))["MCP_FLEET_SLOT"] else "blue"

    @staticmethod
    def environment_of(pid: int) -> dict[str, str]:
        """A process's environment."""
        entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
        return {name: value for name, _sign, value in (entry.partition("=") for entry in entries)}

    def serves(self, node: str, server: str = "box") -> str:
        """The version that a new client of a node's edge reaches."""
        return modern_call(f"http://127.0.0.1:{self.ports[node]}/{server}", "whoami").split()[0]

    def is_as_deployed(self, node: str) -> bool:
        """Whether a node serves release 1.0.0 with the inventory's own credential."""
        try:
            version, _pid, secret = modern_call(f"http://127.0.0.1:{self.ports[node]}/box", "whoami").split()
        except (OSError, AssertionError):
            return False
        return (version, secret) == ("1.0.0", SECRET[:2])

    def process(self, node: str, server: str = "box") -> int:
        """The process that a new client of a node's edge reaches."""
        return int(modern_call(f"http://127.0.0.1:{self.ports[node]}/{server}", "whoami").split()[1])

    def versions(self) -> list[str]:
        """What each node serves, in order."""
        return [self.serves(node) for node in NODES]

    def supervisor(self, node: str) -> int | None:
        """The process id of a node's supervisord, where it runs."""
        configuration = str(self.root / node / "etc" / "supervisord.conf")
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.root / node / "run" / "supervisord.pid").read_text())
            if configuration.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        return None

    def close(self) -> None:
        """End all nodes' supervisors, which end what they started."""
        running = [pid for node in NODES if (pid := self.supervisor(node)) is not None]
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not any(map(is_running, running)), f"supervisors {running} end")


def box(name: str = "box", version: str = "{{ box_version }}", **changes: Any) -> dict[str, Any]:
    """A definition of the test server."""
    return {
        "name": name,
        "package": {"registry_type": "pypi", "identifier": IDENTIFIER, "version": version},
        "transport": "streamable-http",
        "arguments": ["--port", "{port}"],
        "credentials": {"SECRET": SECRET},
        "require": {"tools": ["whoami"]},
        "update": {"ready_timeout": 8, "healthy_threshold": 1, "bake": 0.2, "drain": 5, "stop_timeout": 3},
        **changes,
    }


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_session(process: subprocess.Popen[str]) -> None:
    """End a run and what it has begun in its session; nodes' supervisors have left it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def files_holding(root: Path, text: str) -> Sequence[Path]:
    """Files below a folder whose content has a text in it."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    ]
