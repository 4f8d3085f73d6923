# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a definition that a host keeps while a change is under way, so that it can end it by itself.

Arguments, environment and credentials are not in it: what was started, or is to be started again, stands in
the slots' own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .server import Call, Requirements, ServerDefinition, UpdatePolicy

_PLAIN = ("name", "registry_type", "identifier", "version", "transport", "path", "route")


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
    }


def restored(raw: Mapping[str, Any]) -> ServerDefinition:
    """The definition from what was kept.

    :raises ValueError, TypeError, KeyError: when another version of the collection wrote it.
    """
    require = raw["require"]
    return ServerDefinition(
        **{key: raw[key] for key in _PLAIN},
        sha256=raw.get("sha256"),
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
    )
