# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A legacy MCP server whose sessions have state (mcp 1.x, Streamable HTTP at /mcp).

Environment: PORT (required), HOST (default 127.0.0.1), VERSION (what whoami says).
Tools: remember, recall, whoami, slow.
"""

# mypy: disable-error-code="import-not-found,unused-ignore,import-untyped"
from __future__ import annotations

import asyncio
import json
import os
from typing import Any
from weakref import WeakKeyDictionary

from mcp.server.fastmcp import Context, FastMCP

_remembered: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def remember(value: str, ctx: Context) -> str:
    """Keep a value for this session."""
    _remembered[ctx.session] = value
    return "remembered"


def recall(ctx: Context) -> str:
    """The value that this session was told to keep; empty when there is none."""
    return _remembered.get(ctx.session, "")


def whoami() -> str:
    """Which version this is and which process, as JSON."""
    return json.dumps({"version": os.environ.get("VERSION", "unknown"), "pid": os.getpid()})


async def slow(seconds: float) -> str:
    """Answer after so many seconds."""
    await asyncio.sleep(seconds)
    return f"after {seconds:g} s"


def main() -> None:
    """Serve."""
    server = FastMCP(
        "stateful-legacy", host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ["PORT"])
    )
    for tool in (remember, recall, whoami, slow):
        server.add_tool(tool)
    server.run(transport="streamable-http")


if __name__ == "__main__":
    main()
