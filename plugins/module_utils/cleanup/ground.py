# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a folder is one that the fleet may delete in: before anything is looked at there."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FleetError
from ..host.layout import Layout
from ..release.standing import HOSTS, LOCKS
from ..release.tombs import FOLDER as TOMBS

SYSTEM = frozenset(
    "/bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var"
    " /usr/bin /usr/lib /usr/local /usr/sbin /usr/share /var/cache /var/lib /var/log /var/tmp".split()
)
BACKUPS = "backups"
"""Beside the state: the fleet's own archives."""


def backups(layout: Layout) -> Path:
    """Where the fleet's own archives are."""
    return layout.state.parent / BACKUPS


def check_ground(layout: Layout) -> None:
    """Refuse a host whose folders cannot all be the fleet's own.

    :raises FleetError: naming the folder.
    """
    places = {"releases": layout.releases, "cache": layout.cache, "logs": layout.logs}
    for key, path in {**places, "backups": backups(layout)}.items():
        _check(key, path, layout)
    if _anything(layout.releases) and not (layout.releases / LOCKS).is_dir():
        raise _refused(
            "releases",
            layout.releases,
            f"it has no {LOCKS}, so no release was ever installed there, and it is not empty",
        )


def _check(key: str, path: Path, layout: Layout) -> None:
    real = os.path.realpath(path)
    if not path.is_absolute() or real in SYSTEM or real in ("/", str(Path.home())):
        raise _refused(key, path, f"that is {real}, which is not a folder of the fleet's own")
    for other in (layout.state, layout.slots, layout.launchers, layout.data):
        if f"{os.path.realpath(other)}/".startswith(f"{real}/"):
            raise _refused(key, path, f"{other} stands in it, which no cleanup may touch")


def _anything(path: Path) -> bool:
    try:
        return bool(set(os.listdir(path)) - {LOCKS, TOMBS, HOSTS})
    except FileNotFoundError:
        return False


def _refused(key: str, path: Path, came_back: str) -> FleetError:
    variable = {"releases": "mcp_releases", "cache": "mcp_cache"}.get(key, "mcp_root")
    cure = f"Nothing was deleted. Give {variable} a folder of the fleet's own, and run site."
    return FleetError(f"clean up in {path} ({key} of host.json)", came_back, cure)
