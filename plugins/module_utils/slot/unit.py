# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the systemd unit of one slot (systemd.service(5), systemd.exec(5); systemd 249 or newer)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ..errors import FleetError
from .container import container_name
from .sandbox import ADDRESS_FAMILIES, SYSTEM_CALLS, Sandbox
from .spec import SlotSpec

DATA = "mcp-data"
"""Below /var/lib: a folder for each server's own data, which systemd gives to the user it runs as."""

_LONGEST_USER = 31

_PODMAN_CAPABILITIES = (
    "CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_RESOURCE", "CAP_SYS_PTRACE", "CAP_MKNOD", "CAP_CHOWN",
    "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL",
)  # fmt: skip

# What a server needs (names, a database) may take a minute to be there after a boot; then it is given up.
_TEMPLATE = """\
# Written by mcpops.fleet; an update writes it anew.
[Unit]
Description=MCP server {server}, slot {slot}
After=network-online.target
Wants=network-online.target
Before=mcp-edge.service
StartLimitIntervalSec=120
StartLimitBurst=60

[Service]
Type=exec
ExecStart={command}
{afterwards}{credentials}
{user}
StateDirectory={data}/{server}
StateDirectoryMode=0700
Environment=HOME={home} LANG=C.UTF-8
UMask=0077
Restart=always
RestartSec=1
KillMode={kill_mode}
TimeoutStopSec={stop_timeout}
SyslogIdentifier=mcp-{server}-{slot}
LogExtraFields=MCP_SERVER={server}
LogExtraFields=MCP_SLOT={slot}
{limits}

[Install]
WantedBy=multi-user.target
"""


def unit_name(server: str, slot: str) -> str:
    """The unit of a slot."""
    return f"mcp-{server}-{slot}.service"


def user_name(server: str) -> str:
    """The account as which both slots of a server run; systemd makes it while one of them does."""
    name = f"mcp-{server}"
    if len(name) <= _LONGEST_USER:
        return name
    return f"{name[:22]}-{hashlib.sha256(server.encode()).hexdigest()[:8]}"


def unit_text(
    spec: SlotSpec, launcher: Sequence[str], handed: Mapping[str, Path], encrypted: Collection[str]
) -> bytes:
    """The unit's file.

    :param launcher: the argv to which the path of a launch.json is added.
    :param handed: the files that are handed over as credentials, by name; ``encrypted`` are the names of
        those that systemd decrypts.
    :raises FleetError: when a path holds a line break, which no quoting of a unit can carry.
    """
    credentials = [
        f"LoadCredential{'Encrypted' if name in encrypted else ''}={name}:{_quoted(str(path), words=False)}"
        for name, path in handed.items()
    ]
    command = " ".join(_quoted(word) for word in launcher)
    afterwards = ""
    if spec.container:
        # Its podman is root, but for capabilities; the account is the container's (see ``container``).
        command = f"!{command}"
        name = container_name(spec.server, spec.slot)
        words = (spec.argv[0], "--events-backend=none", "rm", "--force", "--ignore", "--time=0", name)
        afterwards = f"ExecStopPost=-!{' '.join(map(_quoted, words))}\n"
    text = _TEMPLATE.format(
        server=spec.server,
        slot=spec.slot,
        command=f"{command} ${{CREDENTIALS_DIRECTORY}}/launch.json",
        credentials="\n".join(credentials),
        afterwards=afterwards,
        user=_user(spec),
        # podman reads settings at home, and must not find what a server wrote there.
        home="/" if spec.container else f"/var/lib/{DATA}/{spec.server}",
        # podman passes SIGTERM on to the server; its monitor is to see how that ends.
        kill_mode="mixed" if spec.container else "control-group",
        data=DATA,
        stop_timeout=f"{spec.stop_timeout:g}",
        limits="\n".join(_container_limits(spec.sandbox) if spec.container else _limits(spec.sandbox)),
    )
    return text.encode()


def _user(spec: SlotSpec) -> str:
    if spec.sandbox.user:
        return f"User={spec.sandbox.user}"
    return f"DynamicUser=yes\nUser={user_name(spec.server)}"


def _bounds(sandbox: Sandbox) -> list[str]:
    return [
        f"MemoryMax={sandbox.memory_max}",
        f"TasksMax={sandbox.tasks_max or 'infinity'}",
        f"CPUQuota={sandbox.cpu_quota}" if sandbox.cpu_quota != "infinity" else "CPUQuota=",
    ]


def _container_limits(sandbox: Sandbox) -> list[str]:
    """Those of podman, which makes namespaces and mounts; the server's own are in the argv of podman."""
    capabilities = " ".join(dict.fromkeys((*_PODMAN_CAPABILITIES, *sandbox.capabilities)))
    return [
        *_bounds(sandbox),
        "NoNewPrivileges=no",
        f"CapabilityBoundingSet={capabilities}",
        "ProtectSystem=strict",
        "ReadWritePaths=/run -/var/lib/containers",
        *(f"ReadWritePaths={_quoted(path)}" for path in sandbox.writable_paths),
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "DevicePolicy=closed",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "RestrictRealtime=yes",
        f"RestrictAddressFamilies={' '.join(ADDRESS_FAMILIES)}",
        "LockPersonality=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap",
        "SystemCallErrorNumber=EPERM",
    ]


def _limits(sandbox: Sandbox) -> list[str]:
    capabilities = " ".join(sandbox.capabilities)
    lines = [
        *_bounds(sandbox),
        f"NoNewPrivileges={_yes(not sandbox.new_privileges)}",
        f"CapabilityBoundingSet={capabilities}",
        f"AmbientCapabilities={capabilities}",
        "ProtectSystem=strict",
        *(f"ReadWritePaths={_quoted(path)}" for path in sandbox.writable_paths),
        f"ProtectHome={_yes(not sandbox.home)}",
        "PrivateTmp=yes",
        f"PrivateDevices={_yes(not sandbox.devices)}",
        f"DevicePolicy={'auto' if sandbox.devices else 'closed'}",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "ProtectProc=invisible",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        f"RestrictNamespaces={_yes(not sandbox.namespaces)}",
        f"RestrictAddressFamilies={' '.join((*ADDRESS_FAMILIES, *sandbox.address_families))}",
        "LockPersonality=yes",
        "RemoveIPC=yes",
    ]
    if "any" not in sandbox.system_calls:
        lines += [
            "SystemCallArchitectures=native",
            *(f"SystemCallFilter={calls}" for calls in (*SYSTEM_CALLS, *sandbox.system_calls)),
            "SystemCallErrorNumber=EPERM",
        ]
    return lines


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _quoted(text: str, *, words: bool = True) -> str:
    """A word that systemd reads back as exactly this text (systemd.syntax(7): quoting, specifiers)."""
    if any(character in text for character in "\r\n"):
        raise FleetError(f"write {text!r} into a unit", "it holds a line break", "Rename that folder.")
    escaped = text.replace("%", "%%")
    if not words:
        return escaped
    escaped = escaped.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"' if any(c in escaped for c in " \t'\"\\;") else escaped
