# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of an offer are read to their end, or the server is not called healthy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import EraProbe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import HttpTarget
from tests.unit.protocol.http_peers import HttpPeer, serving
from tests.unit.protocol.servers import TOOL, Server, error

EVERYTHING = {"tools": {"listChanged": True}, "prompts": {}, "resources": {}}


def offered(server: Server) -> EraProbe:
    """What a server offers in the legacy era."""
    with HttpPeer(serving(server)) as peer:
        return probe(HttpTarget(peer.url), timeout=5, eras=["legacy"]).legacy


def pages(kind: str, *items: list[Any]) -> Callable[[str | None], dict[str, Any]]:
    """A list in pages."""

    def page(cursor: str | None) -> dict[str, Any]:
        number = int(cursor or 0)
        more = {"nextCursor": str(number + 1)} if number + 1 < len(items) else {}
        return {kind: items[number], **more}

    return page


def tool(name: str) -> dict[str, Any]:
    """A tool by name."""
    return {**TOOL, "name": name}


def test_every_page_of_every_list_is_read() -> None:
    lists = {
        "tools/list": pages("tools", [tool("a")], [], [tool("b"), tool("c")]),
        "prompts/list": pages("prompts", [{"name": "p"}]),
        "resources/list": pages(
            "resources", [{"uri": "u:1", "name": "one"}], [{"uri": "u:2", "name": "two"}]
        ),
        "resources/templates/list": pages("resourceTemplates", [{"uriTemplate": "u:{n}", "name": "n"}]),
    }
    found = offered(Server(capabilities=EVERYTHING, lists=lists))
    assert found.outcome == "served"
    assert [item["name"] for item in found.tools] == ["a", "b", "c"]
    assert [item["name"] for item in found.prompts] == ["p"]
    assert [item["uri"] for item in found.resources] == ["u:1", "u:2"]
    assert [item["uriTemplate"] for item in found.resource_templates] == ["u:{n}"]
    assert "3 tools, 1 prompt, 2 resources, 1 resource template" in found.detail


def test_a_list_other_than_of_tools_may_be_unknown() -> None:
    found = offered(Server(capabilities=EVERYTHING))
    assert found.outcome == "served"
    assert (found.prompts, found.resources, found.resource_templates) == ((), (), ())


def test_a_server_that_announces_nothing_is_asked_for_nothing() -> None:
    server = Server(capabilities={})
    assert offered(server).outcome == "served"
    assert server.methods() == ["initialize", "notifications/initialized"]


@pytest.mark.parametrize("cursor", ["", None])
def test_an_empty_cursor_is_the_end(cursor: str | None) -> None:
    assert offered(Server(lists={"tools/list": {"tools": [TOOL], "nextCursor": cursor}})).outcome == "served"


def _endless(cursor: str | None) -> dict[str, Any]:
    return {"tools": [], "nextCursor": str(int(cursor or 0) + 1)}


def _huge(cursor: str | None) -> dict[str, Any]:
    return {"tools": [TOOL] * 7000, "nextCursor": str(int(cursor or 0) + 1)}


@pytest.mark.parametrize(
    "page, words",
    [
        ({"tools": [TOOL], "nextCursor": "again"}, "goes in circles: the cursor 'again' came twice"),
        ({"tools": [TOOL], "nextCursor": 7}, "a nextCursor that is no text"),
        (_endless, "more than 200 pages"),
        (_huge, "more than 20000 items"),
        ({"tools": {}}, "without a list of tools"),
        ({}, "without a list of tools"),
        ({"tools": [TOOL, "echo"]}, "item 2 is no object"),
        ({"tools": [TOOL, {"inputSchema": {}}]}, "item 2 has no name"),
        ({"tools": [{"name": "", "inputSchema": {}}]}, "item 1 has no name"),
        ({"tools": [{"name": 3, "inputSchema": {}}]}, "item 1 has no name"),
        ({"tools": [{"name": "bare"}]}, "'bare' has no inputSchema"),
    ],
)
def test_a_list_that_cannot_be_read_makes_a_server_inconclusive(page: Any, words: str) -> None:
    found = offered(Server(lists={"tools/list": page}))
    assert found.outcome == "inconclusive"
    assert words in found.detail
    assert found.tools == ()
    assert found.protocol_version == "2025-11-25"


@pytest.mark.parametrize(
    "method", ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
)
def test_a_list_that_fails_makes_a_server_inconclusive(method: str) -> None:
    found = offered(Server(capabilities=EVERYTHING, replies={method: error(-32603, "database gone")}))
    assert found.outcome == "inconclusive"
    assert f"{method} was answered -32603 (database gone)" in found.detail


def test_an_unknown_list_of_tools_makes_a_server_inconclusive() -> None:
    assert offered(Server(lists={})).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("method", "kind", "one", "other"),
    [
        ("tools/list", "tools", tool("a"), {**tool("a"), "description": "another"}),
        ("tools/list", "tools", {**tool("a"), "x": 1}, {**tool("a"), "x": True}),
        ("prompts/list", "prompts", {"name": "a"}, {"name": "a", "arguments": [{"name": "x"}]}),
        ("resources/list", "resources", {"uri": "a", "name": "x"}, {"uri": "a", "name": "y"}),
        (
            "resources/templates/list", "resourceTemplates",
            {"uriTemplate": "a", "name": "x"}, {"uriTemplate": "a", "name": "y"},
        ),
    ],
)  # fmt: skip
def test_a_list_that_has_an_item_in_two_forms_makes_a_server_inconclusive_and_names_it(
    method: str, kind: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    lists = {"tools/list": pages("tools", [tool("b")]), method: pages(kind, [one], [other])}
    found = offered(Server(capabilities=EVERYTHING, lists=lists))
    assert found.outcome == "inconclusive"
    assert f"{method} lists 'a' twice, and not the same both times" in found.detail


def test_an_item_that_is_listed_twice_in_the_same_form_is_one() -> None:
    again = {**dict(reversed(tool("a").items())), "_meta": {"page": 2}}
    found = offered(Server(lists={"tools/list": pages("tools", [tool("a"), tool("b")], [again])}))
    assert [item["name"] for item in found.tools] == ["a", "b"]
