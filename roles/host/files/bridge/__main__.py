# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve a stdio MCP server over HTTP: python -I bridge --port PORT [OPTION …] -- COMMAND [ARGUMENT …].

Messages are passed on as they are, by the transports of the official Python SDK. Each legacy session has a
process of the server's of its own, which ends with it; modern requests, which have no sessions, share one.
The bridge listens once the server has answered, in the eras in which it did, and ends with status 1 when it
does not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Iterator

import anyio
import uvicorn
from child import Command, speaks
from mcp.server.transport_security import (
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from modern import Modern
from sessions import Sessions
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request; a larger one is answered 413."""


class Bridge:
    """The ASGI application: one endpoint, which the protocol version of a request takes to its era."""

    def __init__(self, path: str, port: int, sessions: Sessions | None, modern: Modern | None) -> None:
        self._path = path
        self._sessions = sessions
        self._modern = modern
        hosts = [f"{name}:{port}" for name in ("localhost", "127.0.0.1")]
        self._security = TransportSecurityMiddleware(TransportSecuritySettings(allowed_hosts=hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        refused = await self._security.validate_request(request, is_post=request.method == "POST")
        if refused is None and scope["path"].rstrip("/") != self._path.rstrip("/"):
            refused = Response(f"The endpoint is {self._path}", status_code=404)
        if refused is not None:
            await refused(scope, receive, send)
            return
        version = request.headers.get("mcp-protocol-version")
        if self._modern and (
            self._sessions is None or (version and version not in HANDSHAKE_PROTOCOL_VERSIONS)
        ):
            await self._modern.handle(scope, receive, send)
        elif self._sessions:
            await self._sessions.handle(scope, receive, send)


class Server(uvicorn.Server):
    """Ends when it is told to, not by a signal of its own: the server's processes are ended after it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to ``serve``."""
        yield


async def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM; the exit status."""
    command = Command(tuple(options.command))
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with anyio.create_task_group() as tasks:
        eras = None

        async def until_stopped() -> None:
            await stopping.wait()
            if eras is None:
                tasks.cancel_scope.cancel()

        tasks.start_soon(until_stopped)
        eras = await speaks(command)
        if not eras:
            print(f"bridge: {command.name} does not answer as an MCP server over stdio does", file=sys.stderr)
            tasks.cancel_scope.cancel()
            return 1
        sessions = Sessions(command, tasks, options.sessions, options.idle) if "legacy" in eras else None
        modern = Modern(command, tasks, options.idle) if "modern" in eras else None
        app = RequestBodyLimitMiddleware(Bridge(options.path, options.port, sessions, modern), MAX_BODY)
        server = Server(
            uvicorn.Config(
                app, host="127.0.0.1", port=options.port, lifespan="off", log_level="warning",
                access_log=False, timeout_graceful_shutdown=options.grace, server_header=False,
            )
        )  # fmt: skip

        async def stop() -> None:
            await stopping.wait()
            server.should_exit = True

        for era in (sessions, modern):
            if era:
                tasks.start_soon(era.prepare)
        tasks.start_soon(stop)
        await server.serve()
        tasks.cancel_scope.cancel()
    return 0


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="bridge")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/mcp")
    parser.add_argument("--sessions", type=int, default=32, help="most legacy sessions at a time")
    parser.add_argument(
        "--idle", type=float, default=3600.0, help="seconds until what nobody asks anything ends"
    )
    parser.add_argument("--grace", type=int, default=5, help="seconds for open requests after SIGTERM")
    parser.add_argument("command", nargs="+")
    logging.basicConfig(level=logging.WARNING, format="bridge: %(name)s: %(message)s")
    # Lines that are no messages, and sessions that ended, would each be logged with a traceback.
    for name in ("mcp.client.stdio", "mcp.server.streamable_http"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
