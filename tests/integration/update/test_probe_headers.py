# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers 401 to whoever has no token, as its clients and the fleet's own probes see it."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.update.health import Health, check
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.bench.module import mcp_update
from tests.support.client import modern_call
from tests.support.node import Node, raw_box

GUARDED, NEWER = "2.19.0", "2.20.0"
"""Releases that want the token with which they were started."""
HEADERS = {"Authorization": "Bearer {API_TOKEN}"}


def asking_for(token: str, **more: Any) -> dict[str, Any]:
    return {"credentials": {"API_TOKEN": token}, "probe_headers": HEADERS, **more}


def health(node: Node) -> Health:
    """As the module does it, which knows no credential."""
    raw = raw_box(node, NEWER, probe_headers=HEADERS)
    del raw["credentials"]
    return check(node.host(), parse(raw, {}), None, 10)


def answer(node: Node, token: str) -> str:
    return modern_call(node.url(), "whoami", more_headers={"Authorization": f"Bearer {token}"}).split()[0]


def test_each_slot_is_asked_with_the_token_that_it_was_started_with(node: Node) -> None:
    node.update(GUARDED, **asking_for("first-token"))
    assert health(node).problem is None
    node.update(NEWER, **asking_for("second-token"))
    assert (answer(node, "second-token"), health(node).problem) == (NEWER, None)
    node.roll_back(NEWER, **asking_for("second-token"))
    assert (answer(node, "first-token"), health(node).problem) == (GUARDED, None)


def test_a_release_is_gone_back_to_with_the_headers_that_were_said_of_it(node: Node) -> None:
    node.update(GUARDED, **asking_for("first-token"))
    node.update("2.0.0", credentials={"API_TOKEN": "first-token"})
    node.roll_back("2.0.0", credentials={"API_TOKEN": "first-token"})
    assert answer(node, "first-token") == GUARDED


def test_clients_without_the_token_are_refused_by_the_server_itself(node: Node) -> None:
    node.update(GUARDED, **asking_for("first-token"))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(node.url(), b"{}"), timeout=5)


def test_a_refused_probe_says_where_its_token_goes_and_nothing_is_lost(node: Node) -> None:
    node.update("1.0.0")
    with pytest.raises(UpdateFailed, match="HTTP 401 .*goes into probe_headers"):
        node.update(GUARDED, credentials={"API_TOKEN": "first-token"}, update={"ready_timeout": 3})
    assert modern_call(node.url(), "whoami").split()[0] == "1.0.0"


def test_a_look_ahead_sends_the_token_too_and_shows_it_nowhere(node: Node) -> None:
    node.update(GUARDED, **asking_for("first-token"))
    result, _seconds = mcp_update(
        node.config, raw_box(node, NEWER, **asking_for("second-token")),
        _ansible_check_mode=True, _ansible_diff=True,
    )  # fmt: skip
    assert result["contract"]["verdict"] == "identical"
    assert "-token" not in str({key: value for key, value in result.items() if key != "invocation"})
    assert answer(node, "first-token") == GUARDED
