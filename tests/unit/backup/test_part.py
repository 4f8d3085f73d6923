# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of a definition as proving a server again takes, from what was deployed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.part import ServerPart
from tests.unit.backup.conftest import DEPLOYMENT, PART, SPEC


@pytest.mark.parametrize(
    ("configuration", "over_http"),
    [
        ({"transport": "stdio"}, False),
        ({"transport": "stdio", "serve": "http", "path": "/mcp"}, True),
        ({"transport": "streamable-http", "path": "/api"}, True),
    ],
)
def test_a_server_is_proven_where_it_was_served(configuration: dict[str, Any], over_http: bool) -> None:
    deployment = replace(DEPLOYMENT, configuration=configuration, sha256="a" * 64)
    record = replace(PART.record, slots={"blue": deployment}, ports=(1, 2) if over_http else ())
    part = ServerPart(record, {"blue": SPEC}, *(("/x", 4) if over_http else (None, None)))
    assert ServerPart.from_json(json.dumps(part.to_json()).encode()) == part
    definition = part.definition(5)
    assert definition.over_http == over_http and definition.path == configuration.get("path", "/mcp")
    assert definition.package == deployment.package and definition.update.ready_timeout == 5
