# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a host's definitions on the controller, before anything is changed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.definition.parse import parse_all
from ..module_utils.errors import FleetError
from .plain_servers import plain_servers


def valid_servers(definitions: Any) -> list[str]:
    """Names of the servers that are defined.

    :raises AnsibleFilterError: naming the server and the key, when a definition is wrong or two collide.
    """
    try:
        return [definition.name for definition in parse_all(plain_servers(definitions))]
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"valid_servers": valid_servers}
