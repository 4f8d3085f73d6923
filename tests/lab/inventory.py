# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible and ssh are told of the hosts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .base import USER
from .host import Host

_HEADER = "---\n# Written by `python -m tests.lab up`.\n"


def write(path: Path, hosts: Iterable[Host], *, key: Path, known: Path, control: Path) -> None:
    """The inventory and, in ``known``, the hosts' own keys; ``control`` is the folder of ssh's sockets."""
    hosts = list(hosts)
    known.write_text("".join(f"{host.address} {host.public_key}\n" for host in hosts), "ascii")
    lines = [_HEADER, "all:\n", "  vars:\n", f"    ansible_user: {USER}\n"]
    lines.append(f'    ansible_ssh_private_key_file: "{key}"\n')
    lines.append("    ansible_ssh_common_args: >-\n")
    lines += [f"      -o {option}\n" for option in _options(known)]
    lines.append(f'    ansible_control_path: "{control}/%%C"\n')
    lines.append("  children:\n")
    groups = {"mcp": "node", "mcp_edges": "edge"}
    for group, start in groups.items():
        members = [host for host in hosts if host.name.startswith(start)]
        lines.append(f"    {group}:\n      hosts:" + ("\n" if members else " {}\n"))
        lines += [f'        {host.name}: {{ansible_host: "{host.address}"}}\n' for host in members]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text("".join(lines), "utf-8")
    new.replace(path)


def options(known: Path) -> list[str]:
    """What the ssh command is given for any of the hosts."""
    return [word for option in _options(known) for word in ("-o", option)]


def _options(known: Path) -> list[str]:
    """Only the lab's own keys are known, and a host that is cut off is given up after 15 s."""
    known_hosts = [
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={known}",
        "GlobalKnownHostsFile=/dev/null",
    ]
    return [*known_hosts, "IdentitiesOnly=yes", "ServerAliveInterval=5", "ServerAliveCountMax=3"]
