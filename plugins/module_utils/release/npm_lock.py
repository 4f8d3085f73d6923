# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package-lock.json that npm can install from, where npm wrote one that it cannot."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any


def installable(lock: bytes) -> bytes:
    """The lock without optional dependencies that resolving left out, since the registry has none of them.

    Packages for several platforms name one of each as optional; where a registry lacks some, npm resolves the
    others, and then ``npm ci`` refuses the lock for the ones that are missing (npm 10 and 11).
    """
    read: dict[str, Any] = json.loads(lock)
    packages: Mapping[str, dict[str, Any]] = read.get("packages") or {}
    changed = False
    for path, entry in packages.items():
        named: Mapping[str, str] = entry.get("optionalDependencies") or {}
        there = {name: wanted for name, wanted in named.items() if _found(path, name, packages)}
        if len(there) < len(named):
            entry["optionalDependencies"] = there
            changed = True
    return (json.dumps(read, indent=2) + "\n").encode() if changed else lock


def _found(path: str, name: str, packages: Container[str]) -> bool:
    """Whether a package at ``path`` finds another by its name: in its own folder, or one further up."""
    while True:
        if f"{path}/node_modules/{name}".lstrip("/") in packages:
            return True
        if not path:
            return False
        path = path.rpartition("node_modules/")[0].rstrip("/")
