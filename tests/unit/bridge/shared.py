# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A modern stdio server: ``wait`` is never answered; ``go`` first logs something and reports progress."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def say(message: dict[str, Any]) -> None:
    """Write a message."""
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def reply(number: int, result: dict[str, Any]) -> None:
    """Answer a request."""
    say({"id": number, "result": {"resultType": "complete", **result}})


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        message = json.loads(line)
        params = message.get("params", {})
        if message.get("method") == "server/discover":
            reply(message["id"], {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        elif message.get("method") == "initialize":
            say({"id": message["id"], "error": {"code": -32600, "message": "Invalid Request"}})
        elif params.get("name") == "go":
            say({"method": "notifications/message", "params": {"level": "info", "data": "of another"}})
            token = params["_meta"].get("progressToken")
            if token is not None:
                say({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})
            reply(message["id"], {"content": [{"type": "text", "text": str(os.getpid())}]})


if __name__ == "__main__":
    main()
