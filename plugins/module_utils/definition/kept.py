# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a definition that a host keeps: while a change is under way, so that it can end it by itself,
and with each slot, so that a backup has it.

Arguments, environment and credentials are not in it: what was started, or is to be started again, stands in
the slots' own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .server import BridgePolicy, Call, Requirements, ServerDefinition, UpdatePolicy

_PLAIN = (
    "name",
    "registry_type",
    "identifier",
    "version",
    "sha256",
    "transport",
    "path",
    "route",
    "serve",
    "bridge_digest",
)
_LATER = ("sha256", "serve", "bridge_digest")
"""Of these, what earlier versions of the collection did not know."""


def kept(definition: ServerDefinition) -> dict[str, Any]:
    """What is kept of it, as JSON has it."""
    require = definition.require
    return {
        **{key: getattr(definition, key) for key in _PLAIN},
        "sha256": definition.sha256,
        "require": {
            "tools": list(require.tools),
            "calls": [asdict(call) for call in require.calls],
            "schemas": dict(require.schemas),
        },
        "update": asdict(definition.update),
        "bridge": asdict(definition.bridge),
        "retention": dict(definition.retention),
        "probe_headers": dict(definition.probe_headers),
    }


def restored(raw: Mapping[str, Any]) -> ServerDefinition:
    """The definition from what was kept.

    :raises ValueError, TypeError, KeyError: when another version of the collection wrote it.
    """
    require = raw["require"]
    return ServerDefinition(
        **{key: raw[key] for key in _PLAIN if key not in _LATER},
        **{key: raw[key] for key in _LATER if key in raw},
        require=Requirements(
            tuple(require["tools"]),
            tuple(Call(**call) for call in require["calls"]),
            require.get("schemas", {}),
        ),
        update=UpdatePolicy(
            **{
                **raw["update"],
                **{key: tuple(raw["update"].get(key, ())) for key in ("approved", "drop_eras")},
            }
        ),
        bridge=BridgePolicy(**raw.get("bridge", {})),
        probe_headers=raw.get("probe_headers", {}),
    )
