# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of both eras: how a request is put on HTTP, and what a right answer to it is.

Rules: the transport sections of the specification's revisions 2025-11-25 (legacy) and 2026-07-28 (modern).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .failures import Failed

LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"
CLIENT = {"name": "mcpops-load", "version": "1"}
ACCEPT_BOTH = "application/json, text/event-stream"
ACCEPT_EVENTS = "text/event-stream"
SESSION_HEADER = "Mcp-Session-Id"
VERSION_HEADER = "MCP-Protocol-Version"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"

Message = dict[str, Any]
Check = Callable[[Message], None]

_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True)
class Operation:
    """A request that a client makes again and again: its method, parameters and what its result must be."""

    method: str
    check: Check
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.method} {self.params['name']}" if "name" in self.params else self.method


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    ``request_id`` is None where no JSON-RPC answer is due; ``accepted`` statuses are good besides 2xx.
    """

    title: str
    verb: str
    headers: Mapping[str, str]
    body: bytes | None = None
    request_id: int | None = None
    check: Check | None = None
    accepted: tuple[int, ...] = ()


def _must(result: Message, key: str, kind: type, method: str) -> None:
    if not isinstance(result.get(key), kind):
        raise Failed(f"bad answer: {method} without {key}", json.dumps(result)[:300])


def has_tools(result: Message) -> None:
    """The result of tools/list has tools; an empty list is one."""
    _must(result, "tools", list, "tools/list")


def anything(result: Message) -> None:
    """The result of ping says nothing."""


def is_discovery(result: Message) -> None:
    """The result of server/discover offers the modern revision."""
    _must(result, "supportedVersions", list, "server/discover")
    if MODERN_VERSION not in result["supportedVersions"]:
        raise Failed(
            f"bad answer: server/discover without {MODERN_VERSION}", str(result["supportedVersions"])[:300]
        )


def is_initialization(result: Message) -> None:
    """The result of initialize has what a client goes on with."""
    _must(result, "protocolVersion", str, "initialize")
    _must(result, "serverInfo", dict, "initialize")


def has_content(result: Message) -> None:
    """The result of tools/call has content; it may be an error."""
    _must(result, "content", list, "tools/call")


def succeeded(result: Message) -> None:
    """The result of tools/call has content and is no error."""
    has_content(result)
    if result.get("isError"):
        raise Failed("tool error", text_of(result)[:300])


def text_of(result: Message) -> str:
    """The text of a tool's result."""
    return "".join(str(part.get("text", "")) for part in result["content"] if isinstance(part, dict))


TOOLS_LIST = Operation("tools/list", has_tools)
PING = Operation("ping", anything)
DISCOVER = Operation("server/discover", is_discovery)
RECALL = Operation("tools/call", has_content, {"name": "recall", "arguments": {}})


def call(tool: str, arguments: Mapping[str, Any]) -> Operation:
    """The operation that calls a tool."""
    return Operation("tools/call", succeeded, {"name": tool, "arguments": dict(arguments)})


def _body(request_id: int, method: str, params: Mapping[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode()


def _legacy_headers(session_id: str | None, version: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": ACCEPT_BOTH, VERSION_HEADER: version}
    if session_id is not None:
        headers[SESSION_HEADER] = session_id
    return headers


def initialize(request_id: int) -> Request:
    """The request that opens a legacy session."""
    params = {"protocolVersion": LEGACY_VERSION, "capabilities": {}, "clientInfo": CLIENT}
    headers = {"Content-Type": "application/json", "Accept": ACCEPT_BOTH}
    body = _body(request_id, "initialize", params)
    return Request("initialize", "POST", headers, body, request_id, is_initialization)


def initialized(session_id: str | None, version: str) -> Request:
    """The notification that follows initialize."""
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    return Request("notifications/initialized", "POST", _legacy_headers(session_id, version), body)


def legacy(operation: Operation, request_id: int, session_id: str | None, version: str) -> Request:
    """An operation within a legacy session."""
    body = _body(request_id, operation.method, operation.params)
    return Request(
        operation.title, "POST", _legacy_headers(session_id, version), body, request_id, operation.check
    )


def end_session(session_id: str, version: str) -> Request:
    """The request that ends a legacy session; a server may answer 405 and end its sessions itself."""
    headers = {SESSION_HEADER: session_id, VERSION_HEADER: version}
    return Request("end of the session", "DELETE", headers, accepted=(405,))


def open_stream(session_id: str | None, version: str) -> Request:
    """The request for a legacy session's event stream."""
    headers = _legacy_headers(session_id, version)
    del headers["Content-Type"]
    return Request("event stream", "GET", {**headers, "Accept": ACCEPT_EVENTS})


def modern(operation: Operation, request_id: int) -> Request:
    """An operation of the modern era, with the headers that must agree with its body."""
    headers = {
        "Content-Type": "application/json",
        "Accept": ACCEPT_BOTH,
        VERSION_HEADER: MODERN_VERSION,
        "Mcp-Method": operation.method,
    }
    if operation.method == "tools/call":
        headers["Mcp-Name"] = str(operation.params["name"])
    body = _body(request_id, operation.method, {**operation.params, "_meta": _META})
    return Request(operation.title, "POST", headers, body, request_id, operation.check)


def listen(request_id: int) -> Request:
    """The request for a modern event stream, of all changes of what the server offers."""
    wanted = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
    return modern(Operation("subscriptions/listen", anything, {"notifications": wanted}), request_id)
