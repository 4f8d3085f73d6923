# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that wants a token from each client: what a definition says of it, and what a probe sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.kept import kept, restored
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.probe_headers import filled
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

WEB: dict[str, Any] = {
    "name": "web",
    "package": {"registry_type": "pypi", "identifier": "web", "version": "1.0.0"},
    "transport": "streamable-http",
    "arguments": ["{port}"],
}
TOKEN = {"API_TOKEN": "s3cr3t-value"}


def test_a_header_names_a_credential_that_is_put_in_its_place_when_it_is_sent() -> None:
    headers = {"Authorization": "Bearer {API_TOKEN}"}
    definition = parse({**WEB, "credentials": TOKEN, "probe_headers": headers})
    assert definition.probe_headers == headers
    assert filled(definition.probe_headers, TOKEN) == {"Authorization": "Bearer s3cr3t-value"}


def test_a_header_whose_credential_is_not_there_is_not_sent() -> None:
    assert filled({"X-Key": "{KEY}", "X-Team": "ops"}, TOKEN) == {"X-Team": "ops"}


def test_what_a_host_keeps_has_the_headers_and_no_credential() -> None:
    headers = {"X-Key": "{API_TOKEN}"}
    raw = json.dumps(kept(parse({**WEB, "credentials": TOKEN, "probe_headers": headers})))
    assert restored(json.loads(raw)).probe_headers == headers
    assert "s3cr3t" not in raw


def test_what_was_kept_before_there_were_such_headers_has_none() -> None:
    raw = kept(parse(WEB))
    del raw["probe_headers"]
    assert restored(raw).probe_headers == {}


def test_they_make_no_other_process_so_changing_them_is_no_update() -> None:
    changed = {**WEB, "probe_headers": {"X-Team": "ops"}}
    assert parse(changed).configuration_digest() == parse(WEB).configuration_digest()


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (["Authorization"], "it is no mapping"),
        ({"X Key": "a"}, "no name of a header"),
        ({5: "a"}, "no name of a header"),
        ({"X-Key": 5}, "no text of ASCII characters"),
        ({"X-Key": "a\r\nHost: b"}, "no text of ASCII characters"),
        ({"X-Team": "a", "x-team": "b"}, "there twice"),
        ({"Authorization": "Bearer hunter2-in-clear"}, "Put the secret into credentials"),
        ({"Cookie": "session=hunter2-in-clear"}, "Put the secret into credentials"),
        ({"X-Api-Key": "hunter2-in-clear"}, "Put the secret into credentials"),
        ({"X-Key": "{NO_SUCH}"}, "NO_SUCH is not among the credentials (API_TOKEN)"),
        ({"Mcp-Session-Id": "a"}, "the probes themselves set this header"),
        ({"user-agent": "a"}, "the probes themselves set this header"),
        ({"HOST": "a"}, "the probes themselves set this header"),
    ],
)
def test_a_wrong_header_is_refused_by_its_name_and_its_value_is_not_shown(headers: Any, said: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse({**WEB, "credentials": TOKEN, "probe_headers": headers})
    assert said in str(caught.value)
    assert "web: read the definition, probe_headers" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_credential_is_told_where_a_definition_is_whole_and_not_where_they_are_elsewhere() -> None:
    with pytest.raises(FleetError, match="a server over stdio is sent no headers"):
        parse({**WEB, "transport": "stdio", "arguments": [], "probe_headers": {"X-Team": "ops"}})
