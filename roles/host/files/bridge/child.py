# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process of the server's, by the SDK's stdio transport."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.client._transport import TransportStreams
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
PATIENCE = 10.0
"""Seconds that one era may take longer to answer than the other, or PATIENCE_TIMES as long where that is
more: some servers say nothing to what they do not know, and a busy host starts one process late."""
PATIENCE_TIMES = 4

GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
"""What a stream raises when its other end has ended."""

_WHO = {"name": "mcpops.fleet bridge", "version": "1"}
_OPENINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "legacy": ("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _WHO}),
    "modern": (
        "server/discover",
        {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": _WHO,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        },
    ),
}


@dataclass(frozen=True)
class Command:
    """What is started; it gets the bridge's environment and working directory."""

    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program, without its arguments."""
        return os.path.basename(self.argv[0])

    def start(self) -> AbstractAsyncContextManager[TransportStreams]:
        """A process, which ends with the context: its stdin is closed, then come SIGTERM and SIGKILL."""
        parameters = StdioServerParameters(
            command=self.argv[0],
            args=list(self.argv[1:]),
            env=dict(os.environ),
            encoding_error_handler="replace",
        )
        return stdio_client(parameters, errlog=sys.stderr)


async def speaks(command: Command) -> set[str]:
    """The eras in which the server answers, each asked of a process of its own; empty: none."""
    served: set[str] = set()
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def ask(era: str) -> None:
            if await _opens(command, *_OPENINGS[era]):
                served.add(era)
                took = anyio.current_time() - began
                tasks.cancel_scope.deadline = anyio.current_time() + max(PATIENCE, PATIENCE_TIMES * took)

        for era in _OPENINGS:
            tasks.start_soon(ask, era)
    return served


async def _opens(command: Command, method: str, params: dict[str, Any]) -> bool:
    """Whether a new process answers this with a result."""
    async with command.start() as (received, sent):
        try:
            await sent.send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=1, method=method, params=params)))
        except GONE:
            return False
        async for item in until_closed(received):
            message = item.message
            if isinstance(message, JSONRPCResponse):
                return method == "initialize" or MODERN in message.result.get("supportedVersions", ())
            if isinstance(message, JSONRPCError):
                return False
    return False


async def until_closed(stream: Any) -> AsyncIterator[SessionMessage]:
    """The messages of a stream, until either end of it is closed; lines that are none are left out."""
    while True:
        try:
            item = await stream.receive()
        except GONE:
            return
        if isinstance(item, SessionMessage):
            yield item


def explained(error: BaseException) -> str:
    """The first cause of an error, in a line."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]  # type: ignore[attr-defined]
    return f"{type(error).__name__}: {error}"
