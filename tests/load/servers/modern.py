# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A modern MCP server (mcp 2.x, Streamable HTTP at /mcp); as the SDK has it, it serves legacy clients too.

Environment: PORT (required), HOST (default 127.0.0.1), VERSION (what whoami says).
Tools: whoami, slow, echo.
"""

# mypy: disable-error-code="import-not-found,unused-ignore,import-untyped"
from __future__ import annotations

import asyncio
import json
import os

from mcp.server.mcpserver import MCPServer


def whoami() -> str:
    """Which version this is and which process, as JSON."""
    return json.dumps({"version": os.environ.get("VERSION", "unknown"), "pid": os.getpid()})


async def slow(seconds: float) -> str:
    """Answer after so many seconds."""
    await asyncio.sleep(seconds)
    return f"after {seconds:g} s"


def echo(text: str) -> str:
    """The text itself."""
    return text


def main() -> None:
    """Serve."""
    server = MCPServer("modern")
    for tool in (whoami, slow, echo):
        server.add_tool(tool)
    server.run("streamable-http", host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ["PORT"]))


if __name__ == "__main__":
    main()
