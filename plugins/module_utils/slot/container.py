# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container as the process of a systemd unit: podman and all that it starts stay in the unit's cgroup."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .sandbox import Sandbox

OWNER = "--user={owner}"
"""In a container's argv: the launch program puts the owner of the slot's working directory in its place, the
account that systemd gave the unit, which has no number before it starts."""

NOBODY_ID = 65534
NOBODY = f"--user={NOBODY_ID}:{NOBODY_ID}"
"""In its place where there is no unit: a look ahead."""

_PLAIN = "--security-opt=no-new-privileges"
_HYBRID = Path("/sys/fs/cgroup/unified/cgroup.controllers")
_WITHOUT = ("home", "devices", "namespaces", "system_calls", "address_families")


def container_name(server: str, slot: str) -> str:
    """What podman calls the container of a slot."""
    return f"mcp-{server}-{slot}"


def contained(
    argv: tuple[str, ...], name: str, sandbox: Sandbox, home: str, user: str = OWNER
) -> tuple[str, ...]:
    """The argv ``podman run OPTIONS IMAGE``, bounded by the cgroup of whoever starts it.

    :param home: the folder that is the server's own, inside and outside.
    """
    podman, run, *rest = argv
    if sandbox.new_privileges:
        rest = [word for word in rest if word != _PLAIN]
    options = [
        f"--name={name}",
        # What a power loss left of it has its name.
        "--replace",
        # No cgroup but the unit's: its limits hold for the server, and podman needs no right over cgroups.
        "--cgroups=disabled",
        # What it writes goes through podman's own output, to the journal with the unit's fields.
        "--log-driver=none",
        user,
        f"--env=HOME={home}",
        *(f"--cap-add={capability}" for capability in sandbox.capabilities),
        *(f"--volume={path}:{path}" for path in sandbox.writable_paths),
    ]
    # Its events would stand in the journal between what the server says.
    return (podman, "--runtime=crun", "--events-backend=none", run, *options, *rest)


def obstacle(
    which: Callable[[str], str | None] = shutil.which, hybrid: Path = _HYBRID
) -> tuple[str, str] | None:
    """Why a unit of this host cannot run a container, and the cure; None when it can (a pure read)."""
    missing = [program for program in ("podman", "crun") if which(program) is None]
    if missing:
        return (
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed on this host",
            f"Install it (Debian, Ubuntu: apt-get install {' '.join(missing)}).",
        )
    controllers = " ".join(hybrid.read_text("utf-8").split()) if hybrid.exists() else ""
    if controllers:
        return (
            f"this host has both kinds of cgroups ({controllers} in {hybrid}), which crun refuses",
            "Boot it with systemd.unified_cgroup_hierarchy=1, or use another package of the server.",
        )
    return None


def unheld(sandbox: Sandbox) -> list[str]:
    """The keys of ``service`` that are set and that nothing could hold a container to, or loosen for it."""
    usual = Sandbox()
    keys = [key for key in _WITHOUT if getattr(sandbox, key) != getattr(usual, key)]
    # With an account of its own, systemd takes new privileges from all that a unit starts.
    return keys + (["new_privileges without user"] if sandbox.new_privileges and not sandbox.user else [])
