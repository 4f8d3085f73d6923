# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a host's locks on the controller, before anything is changed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.definition.parse import parse_all
from ..module_utils.errors import FleetError
from ..module_utils.release.locks import Locks, mode_of, require_pinned
from ..module_utils.update.host import package_of
from .plain_servers import plain_servers


def usable_locks(definitions: Any, folder: str, mode: object = "auto") -> list[str]:
    """Names of the servers that are locked.

    :raises AnsibleFilterError: naming server and file, when a lock is not usable, or there has to be one.
    """
    locks, found = Locks(Path(folder)), []
    try:
        for definition in parse_all(plain_servers(definitions)):
            if definition.sha256 is not None:
                continue  # its own hash locks it
            try:
                content = definition.source or definition.identifier
                require_pinned(definition.registry_type, content, None, mode_of(mode))
                if definition.source is None and locks.find(package_of(definition), mode_of(mode)):
                    found.append(definition.name)
            except FleetError as error:
                raise error.on(definition.name) from error
    except FleetError as error:
        # Ansible would tell the same once more for each cause.
        raise AnsibleFilterError(str(error)) from None
    return found


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"usable_locks": usable_locks}
