# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stdio server that is served over HTTP: what its definition may say, and what it means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.kept import kept, restored
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import (
    parse,
    parse_all,
    parse_name,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

TIME: dict[str, Any] = {
    "name": "time",
    "package": {"registry_type": "pypi", "identifier": "mcp-server-time", "version": "2026.8.18"},
    "transport": "stdio",
}
BRIDGED = {**TIME, "serve": "http"}


def test_it_has_a_route_and_is_told_no_port() -> None:
    definition = parse(BRIDGED)
    assert (definition.over_http, definition.bridged, definition.route) == (True, True, "/time")
    assert (definition.bridge.sessions, definition.bridge.session_idle) == (32, 3600)
    with pytest.raises(FleetError, match="listens on none"):
        parse({**BRIDGED, "arguments": ["--port", "{port}"]})


def test_without_serve_clients_start_it_and_its_configuration_is_what_it_was_before_there_were_bridges() -> (
    None
):
    definition = parse(TIME)
    assert (definition.over_http, definition.bridged) == (False, False)
    assert not {"serve", "bridge", "bridge_digest"} & definition.configuration().keys()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"serve": "htpp"}, "Choose one of launcher, http"),
        ({"transport": "streamable-http", "arguments": ["{port}"]}, "served over HTTP as it is"),
        ({"bridge": {"session": 3}}, "unknown key session"),
        ({"bridge": {"sessions": 0}}, "from 1 to"),
        ({"bridge": {"sessions": 2}, "serve": "launcher"}, "Set serve: http"),
    ],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse({**BRIDGED, **keys})
    assert said in str(caught.value)


def test_another_bridge_or_other_bounds_are_another_configuration() -> None:
    definition = parse(BRIDGED)
    digests = {
        definition.configuration_digest(),
        replace(definition, bridge_digest="newer").configuration_digest(),
        parse({**BRIDGED, "bridge": {"sessions": 5}}).configuration_digest(),
        parse(TIME).configuration_digest(),
    }
    assert len(digests) == 4


def test_its_route_is_its_own() -> None:
    with pytest.raises(FleetError, match="route /time"):
        parse_all([BRIDGED, {**BRIDGED, "name": "other", "route": "/time"}])


def test_name_transport_and_serve_are_enough_to_take_it_away() -> None:
    assert parse_name({"name": "time", "transport": "stdio", "serve": "http"}).over_http


def test_what_a_host_keeps_of_it_is_read_again_and_so_is_what_was_kept_before_there_were_bridges() -> None:
    definition = replace(parse({**BRIDGED, "bridge": {"sessions": 5}}), bridge_digest="this one")
    assert restored(json.loads(json.dumps(kept(definition)))) == definition
    before = {
        key: value
        for key, value in kept(parse(TIME)).items()
        if key not in ("serve", "bridge", "bridge_digest")
    }
    assert restored(before) == parse(TIME)
