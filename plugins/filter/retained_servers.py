# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup is told of the servers that an inventory defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.definition.parse import parse_all
from ..module_utils.errors import FleetError


def retained_servers(definitions: Any) -> list[dict[str, Any]]:
    """Name, package and retention of each, and whether it is protected.

    :raises AnsibleFilterError: naming the server and the key, when a definition is wrong.
    """
    try:
        return [
            {
                "name": definition.name,
                "package": {
                    "registry_type": definition.registry_type,
                    "identifier": definition.identifier,
                    "version": definition.version,
                },
                **({"protected": True} if definition.protected else {}),
                **({"retention": dict(definition.retention)} if definition.retention else {}),
            }
            for definition in parse_all(definitions)
        ]
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"retained_servers": retained_servers}
