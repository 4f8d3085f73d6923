# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain MCP client for single calls in tests."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_IDS = itertools.count(1)
MODERN = "2026-07-28"


def post(
    url: str, message: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> tuple[int, Any, Any]:
    """Status, headers and JSON body of one message."""
    request = urllib.request.Request(
        url,
        json.dumps({"jsonrpc": "2.0", "id": next(_IDS), **message}).encode(),
        {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **(headers or {}),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers, _message(response.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, error.headers, json.loads(body) if body.startswith(b"{") else None


def modern_call(
    url: str,
    tool: str,
    arguments: Mapping[str, Any] | None = None,
    more_headers: Mapping[str, str] | None = None,
) -> str:
    """The text that a tool answers a modern client."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {"method": "tools/call", "params": {"name": tool, "arguments": arguments or {}, "_meta": meta}}
    headers = {
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
        **(more_headers or {}),
    }
    status, _headers, body = post(url, message, headers)
    assert status == 200, (status, body)
    return str(body["result"]["content"][0]["text"])


def _message(body: bytes) -> Any:
    """The answer, which may be the last of a stream of events."""
    if not body.startswith(b"{"):
        body = b"".join(line[5:] for line in body.splitlines() if line.startswith(b"data: {"))
    return json.loads(body or b"null")


class LegacySession:
    """A legacy client with a session."""

    def __init__(self, url: str) -> None:
        self.url = url
        parameters = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        status, headers, _body = post(url, {"method": "initialize", "params": parameters})
        assert status == 200, status
        self.headers = {"Mcp-Session-Id": headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}

    def call(self, tool: str, **arguments: Any) -> str:
        """The text that a tool answers; AssertionError with the status when it does not."""
        message = {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        status, _headers, body = post(self.url, message, self.headers)
        assert status == 200, (status, body)
        return str(body["result"]["content"][0]["text"])

    def status(self, tool: str) -> int:
        """The HTTP status of a call."""
        return post(self.url, {"method": "tools/call", "params": {"name": tool}}, self.headers)[0]

    def close(self) -> None:
        """End the session."""
        request = urllib.request.Request(self.url, method="DELETE", headers=self.headers)
        urllib.request.urlopen(request, timeout=20).close()
