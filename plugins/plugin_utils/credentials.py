# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that stand in a definition: Ansible shows and logs a module's options, but not that one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.validation import check_type_dict

from ..module_utils.errors import FleetError


def apart(options: Mapping[str, Any]) -> dict[str, Any]:
    """A module's options, with the credentials of ``server`` in ``credentials``, where they are kept secret.

    :raises FleetError: when they are no mapping.
    """
    server = _mapping(options.get("server"))
    if server is None or "credentials" not in server:
        return dict(options)
    beside, inside = _mapping(options.get("credentials") or {}), _mapping(server["credentials"] or {})
    if beside is None or inside is None:
        raise FleetError(
            "read the definition", "credentials: it is no mapping", "Write it as NAME: value pairs.",
            str(server.get("name")),
        )  # fmt: skip
    rest = {key: value for key, value in server.items() if key != "credentials"}
    return {**options, "server": rest, "credentials": {**inside, **beside}}


def _mapping(given: Any) -> dict[str, Any] | None:
    """What Ansible takes for a mapping, as one; None: it takes it for none."""
    try:
        return dict(check_type_dict(given))
    except (TypeError, ValueError):
        return None
