# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small MCP server as a function of a message, for peers over any transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = "io.modelcontextprotocol/"
INFO = {"name": "peer", "version": "1.2"}

TOOL = {"name": "echo", "description": "Says it again.", "inputSchema": {"type": "object"}}


@dataclass
class Server:
    """What the server speaks and offers; it remembers the messages that it got."""

    modern: bool = True
    legacy: bool = True
    capabilities: Mapping[str, Any] = field(default_factory=lambda: {"tools": {}})
    lists: Mapping[str, Any] = field(default_factory=lambda: {"tools/list": {"tools": [TOOL]}})
    version: str = LEGACY
    replies: Mapping[str, Any] = field(default_factory=dict)
    """Replies that are given in place of the good ones, by method: ``{"result": …}`` or ``{"error": …}``."""

    got: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The reply to a message; None to a notification."""
        self.got.append(message)
        if "id" not in message:
            return None
        return {"jsonrpc": "2.0", "id": message["id"], **self._outcome(message)}

    def methods(self) -> list[str]:
        """The methods of the messages that came, in order."""
        return [message["method"] for message in self.got]

    def _outcome(self, message: dict[str, Any]) -> dict[str, Any]:
        method, params = message["method"], message.get("params", {})
        if method in self.replies:
            return dict(self.replies[method])
        is_modern = META + "protocolVersion" in params.get("_meta", {})
        if not (self.modern if is_modern else self.legacy):
            return error(-32600, "Invalid Request: not initialized")
        if method == "server/discover":
            return {
                "result": {
                    "resultType": "complete",
                    "supportedVersions": [MODERN],
                    "capabilities": self.capabilities,
                    "instructions": "Be kind.",
                    "_meta": {META + "serverInfo": INFO},
                }
            }
        if method == "initialize":
            opening = {"protocolVersion": self.version, "capabilities": self.capabilities, "serverInfo": INFO}
            return {"result": opening}
        if method == "tools/call":
            said = {"type": "text", "text": json.dumps(params["arguments"])}
            return {"result": {"content": [said], "isError": False}}
        page = self.lists.get(method)
        if callable(page):
            return {"result": page(params.get("cursor"))}
        return {"result": page} if page is not None else error(-32601, "Method not found")


def error(code: int, message: str, data: Any = None) -> dict[str, Any]:
    """The outcome that is an error."""
    return {"error": {"code": code, "message": message, **({"data": data} if data is not None else {})}}
