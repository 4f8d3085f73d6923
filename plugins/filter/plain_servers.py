# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions that name a server.json of the controller, as hosts get them: without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ..module_utils.definition.server_json import plain, read
from ..module_utils.errors import FleetError


def plain_servers(definitions: Any) -> Any:
    """The definitions without ``server_json``; what is no list of them is given back as it is.

    :raises AnsibleFilterError: naming the server and what is wrong with its server.json.
    """
    if isinstance(definitions, (str, bytes, Mapping)) or not isinstance(definitions, Sequence):
        return definitions
    try:
        return [plain(definition, read, Display().warning) for definition in definitions]
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"plain_servers": plain_servers}
