# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab host with three real servers is backed up, destroyed, made anew and restored to service.

``python -m tests.bench.restore``; the last line is JSON. Needs root, for the lab.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyrage
import yaml

from tests.lab.command import LabError
from tests.lab.lab import REPOSITORY, ROOT, Lab
from tests.support.command import execute

WORK = ROOT.parent / "bench" / "restore"
SERVERS = [
    {
        "name": "duckduckgo",
        "package": {"registry_type": "pypi", "identifier": "duckduckgo-mcp-server", "version": "{{ duck }}"},
        "transport": "streamable-http",
        "arguments": ["--transport", "streamable-http", "--port", "{port}"],
        "credentials": {"BENCH_TOKEN": "of-no-value"},
        "update": {"bake": 1, "drain": 10},
    },
    {
        "name": "context7",
        "package": {"registry_type": "npm", "identifier": "@upstash/context7-mcp", "version": "4.1.0"},
        "transport": "streamable-http",
        "arguments": ["--transport", "http", "--port", "{port}"],
        "update": {"bake": 1, "drain": 10},
    },
    {
        "name": "time",
        "package": {"registry_type": "pypi", "identifier": "mcp-server-time", "version": "2026.8.18"},
        "transport": "stdio",
    },
]


class Bench:
    """The host of a lab, and the controller's folder of backups."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.inventory = WORK / "inventory" / "hosts.yml"
        self.key = WORK / "fleet.key"
        self.backups = WORK / "backups"

    def prepare(self) -> None:
        """Write the key and the inventory's variables."""
        key = pyrage.x25519.Identity.generate()
        self.key.touch(0o600)
        self.key.write_text(f"{key}\n")
        settings = yaml.safe_load((REPOSITORY / "inventories/lab/group_vars/all.yml").read_text())
        own = {
            "duck": "0.6.1",
            "mcp_servers": SERVERS,
            "mcp_backup_recipients": [str(key.to_public())],
            "mcp_backup_schedule": "daily",
            "mcp_backup_folder": str(self.backups),
            "mcp_restore_identity_file": str(self.key),
        }
        folder = self.inventory.parent / "group_vars"
        folder.mkdir(exist_ok=True)
        (folder / "all.yml").write_text(yaml.safe_dump({**settings, **own}))

    def run(self, *arguments: str) -> tuple[float, str]:
        """Seconds that a playbook (or another command of Ansible) took, and what it said."""
        started = time.monotonic()
        done = subprocess.run(
            [Path(sys.executable).with_name(arguments[0]), "-i", self.inventory, *arguments[1:]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            check=False, cwd=self.inventory.parent, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stdout[-9000:])
        seconds = time.monotonic() - started
        print(f"{' '.join(arguments)}: {seconds:.1f} s", flush=True)
        return seconds, done.stdout

    def serving(self) -> dict[str, Any]:
        """What the host serves, by server."""
        said = self.run("ansible", "node1", "-m", "mcpops.fleet.mcp_server_info")[1]
        servers = json.loads(said[said.index("{") :])["servers"]
        kept = ("active", "previous", "generation", "consistent")
        ports = [{slot: held["port"] for slot, held in entry["slots"].items()} for entry in servers]
        return {
            entry["server"]: {**{key: entry[key] for key in kept}, "ports": port}
            for entry, port in zip(servers, ports, strict=True)
        }


def measure(bench: Bench) -> dict[str, Any]:
    """Deploy, update one server, back up, destroy, restore."""
    bench.lab.up(1)
    bench.prepare()
    site, _said = bench.run("ansible-playbook", "mcpops.fleet.site")
    bench.run("ansible-playbook", "mcpops.fleet.update", "-e", "duck=0.7.0")
    before = bench.serving()
    backup, _said = bench.run("ansible-playbook", "mcpops.fleet.backup")
    [archive] = bench.backups.glob("*.age")
    bench.lab.up(0)
    destroyed = time.monotonic()
    bench.lab.up(1)
    booted = time.monotonic() - destroyed
    restore, _said = bench.run("ansible-playbook", "mcpops.fleet.restore")
    total = time.monotonic() - destroyed
    after = bench.serving()
    if after != before:
        raise RuntimeError(f"it served {before} and serves {after}")
    bench.run("ansible-playbook", "mcpops.fleet.health", "-e", "duck=0.7.0")
    again, _said = bench.run("ansible-playbook", "mcpops.fleet.restore")
    module = bench.run("ansible", "node1", "-m", "command", "-a", "systemctl start mcp-backup.service")[0]
    said = bench.run("ansible", "node1", "-m", "command", "-a", "journalctl -u mcp-backup -o cat -n 3")[1]
    print(said)
    bench.run(
        "ansible-playbook",
        "mcpops.fleet.rollback",
        "-e",
        json.dumps({"mcp_rollback_servers": ["duckduckgo"]}),
    )
    return {
        "servers": len(before),
        "archive_mb": round(archive.stat().st_size / 2**20, 1),
        "deploy_s": round(site, 1),
        "backup_s": round(backup, 1),
        "timer_backup_s": round(module, 1),
        "host_made_anew_s": round(booted, 1),
        "restore_s": round(restore, 1),
        "lost_to_service_s": round(total, 1),
        "restore_again_s": round(again, 1),
    }


def main() -> int:
    """Measure, and print one line of JSON last."""
    lab = Lab(
        Path(f"{ROOT}-bench"),
        "mcpbench",
        WORK / "inventory" / "hosts.yml",
        lambda line: print(f"── {line}", flush=True),
    )
    WORK.mkdir(parents=True, exist_ok=True)
    for old in (WORK / "backups").glob("*"):
        old.unlink()
    try:
        figures = measure(Bench(lab))
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        lab.down()
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    execute(main)
