# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers cannot do without, as the server.json says that their definitions name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.definition.server_json import read, required
from ..module_utils.errors import FleetError


def required_variables(definitions: Sequence[Any]) -> dict[str, list[str]]:
    """By name of the server the variables that its server.json requires, of those that have one.

    :raises AnsibleFilterError: naming the server and what is wrong with its server.json.
    """
    try:
        found = {str(raw.get("name")): required(raw, read) for raw in definitions}
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return {name: names for name, names in found.items() if names is not None}


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"required_variables": required_variables}
