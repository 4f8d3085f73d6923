# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of a server in a backup, as an inventory has it: for who lost that with the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .part import ServerPart

_PACKAGE = ("registry_type", "identifier", "version", "sha256")
_KEPT = ("require", "update", "retention", "probe_headers")
_CONFIGURED = ("arguments", "environment", "command", "user_config", "path", "service", "serve")


def definition_of(part: ServerPart) -> dict[str, Any]:
    """What ``mcp_servers`` had of what serves; of ``credentials`` the names alone, for they go into a vault.

    What it got from an older version of the collection has no ``require``, ``update`` and ``retention``.
    """
    active = part.active
    configured, kept = active.configuration, active.definition or {}
    bridged = configured.get("serve") == "http"
    said = {
        "name": part.name,
        "package": {key: getattr(active, key) for key in _PACKAGE if getattr(active, key)},
        "transport": configured["transport"],
        "route": part.route,
        "ports": list(part.record.ports),
        "protected": part.record.protected,
        "credentials": list(configured.get("credentials", ())),
        "bridge": _plain(configured.get("bridge")) if bridged else None,
        **{key: _plain(configured.get(key)) for key in _CONFIGURED},
        **{key: _plain(kept.get(key)) for key in _KEPT},
    }
    return {key: value for key, value in said.items() if value}


def _plain(value: Any) -> Any:
    """Without what is empty: that is how things are when nothing is said of them."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: _plain(each) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each not in ({}, [], (), "", None, False)}
