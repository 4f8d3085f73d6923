# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host of the lab as root: container_slot.py IMAGE PORT. Prints what a container in a unit is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.kind import Settings
from ansible_collections.mcpops.fleet.plugins.module_utils.release.oci import Oci
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.slot import container, process
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.sandbox import Sandbox
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.systemd import SystemdDriver

SECRET = "s3cr3t-value"
DATA = "/var/lib/mcp-data/box"
SERVER = """
import os, signal, socket, sys, time
def end(number, frame):
    print("ended by SIGTERM", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else end)
os.chdir(os.environ["HOME"])
open("seen", "w").write(os.environ["SECRET"][:2])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    time.sleep(1)
"""


class Slot:
    """The slot blue of box, with an image."""

    def __init__(self, image: str, port: int) -> None:
        files = SlotFiles(Effects(), Path("/var/lib/mcp/slots"))
        launcher = ("/usr/bin/python3", "-I", "-S", "/opt/mcp-launch")
        self.driver = SystemdDriver(Effects(), files, Path("/etc/systemd/system"), launcher, False)
        self.port = port
        release = Path("/var/lib/mcp/release")
        release.mkdir(parents=True, exist_ok=True)
        (release / "image.json").write_text(json.dumps({"id": image, "init": False}), "utf-8")
        settings = Settings("/usr/bin/python3.11", variables=frozenset({"SECRET"}))
        told = Oci(Tools(podman="/usr/bin/podman")).told(release, "1", settings)
        assert told is not None
        self.argv = tuple(word.replace("{data}", DATA) for word in told.argv)

    def start(self, *words: str) -> int:
        """Run the server; returns the process id of podman when the server listens."""
        sandbox = Sandbox(memory_max="200M", tasks_max=50)
        argv = container.contained(self.argv, "mcp-box-blue", sandbox, DATA)
        spec = SlotSpec(
            "box", "blue", (*argv, "-c", SERVER, str(self.port), *words), {}, {"SECRET": SECRET}, DATA, 2,
            sandbox=sandbox, container=True,
        )  # fmt: skip
        self.driver.start(spec)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            pid = self.driver.status("box", "blue").pid
            if pid and process.owns_port(pid, self.port):
                return pid
            time.sleep(0.05)
        raise SystemExit(f"it does not listen: {self.driver.log_tail('box', 'blue')}")

    def facts(self, pid: int) -> dict[str, Any]:
        """What the server is, seen from the host."""
        listener = process.owns_port(pid, self.port)
        assert listener is not None
        (server,) = listener.pids
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{server}/status").read_text("utf-8").splitlines()
            if ":\t" in line
        )
        lines = [_read(f"/proc/{name}/cmdline") for name in os.listdir("/proc") if name.isdigit()]
        groups = [group.rsplit(":", 1)[1] for group in _read(f"/proc/{server}/cgroup").decode().splitlines()]
        return {
            "uid": int(status["Uid"].split()[0]),
            "owner": os.stat(DATA).st_uid,
            "capabilities": [status["CapEff"], status["CapBnd"]],
            "no_new_privileges": status["NoNewPrivs"],
            "filtered": status["Seccomp"],
            "groups": sorted(set(groups) - {"/"}),
            "limits": {
                "memory": _limit("memory", "memory.limit_in_bytes", "memory.max"),
                "tasks": _limit("pids", "pids.max", "pids.max"),
            },
            "seen": _read(f"{DATA}/seen").decode(),
            "secret_in_command_lines": any(SECRET.encode() in line for line in lines),
        }


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _limit(controller: str, old: str, new: str) -> int:
    """What the kernel has for the unit's cgroup, of the one kind or the other."""
    unit = "system.slice/mcp-box-blue.service"
    return int(_read(f"/sys/fs/cgroup/{controller}/{unit}/{old}") or _read(f"/sys/fs/cgroup/{unit}/{new}"))


def _journal(*which: str) -> str:
    argv = ["journalctl", "--quiet", "--no-pager", "--output=cat", *which]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _edited_by_hand(slot: Slot) -> list[list[str]]:
    """What the driver says of drop-ins: without any, with one of all services, and with one of the unit."""
    told = []
    for folder in (None, "service.d", "mcp-box-blue.service.d"):
        if folder:
            path = Path("/etc/systemd/system", folder)
            path.mkdir()
            (path / "override.conf").write_text("[Service]\nEnvironment=BY=hand\n", "utf-8")
            subprocess.run(["systemctl", "daemon-reload"], check=True)
        told.append(list(slot.driver.additions("box", "blue")))
    return told


def main() -> None:
    """Start it, look at it, stop it; then one that does not listen to SIGTERM."""
    slot = Slot(sys.argv[1], int(sys.argv[2]))
    result: dict[str, Any] = {"obstacle": container.obstacle()}
    result["facts"] = slot.facts(slot.start())
    result["additions"] = _edited_by_hand(slot)
    slot.driver.stop("box", "blue", 10)
    result["journal"] = _journal("MCP_SERVER=box", "MCP_SLOT=blue", "SYSLOG_IDENTIFIER=mcp-box-blue")
    slot.start("deaf")
    result["deaf"] = slot.driver.stop("box", "blue", 1).how
    slot.driver.remove("box", "blue")
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    result["left"] = [_read(f"/proc/{name}/comm").decode().strip() for name in names]
    print(json.dumps(result))


main()
