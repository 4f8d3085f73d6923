# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small MCP server for tests of the updater: both eras, sessions with state, streams, and faults on demand.

It is packed into wheels of any version (see ``wheels.py``); FAULTS stands in the wheel's metadata, so that a
version has a fault as a real bad release has, not an option that the definition could see.
"""

from __future__ import annotations

import argparse
import http.server
import itertools
import json
import os
import sys
import threading
import time
import uuid
from importlib import metadata
from typing import Any

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
STARTED = time.monotonic()
LISTED = itertools.count()


def faults() -> dict[str, Any]:
    """What is wrong with this release."""
    summary: dict[str, Any] = json.loads(metadata.metadata("fleet-test-server")["Summary"])
    return summary


FAULTS = faults()
VERSION = metadata.version("fleet-test-server")


def after_switch() -> bool:
    """Whether the time is over for which this release behaves (``good_for`` seconds)."""
    return "good_for" in FAULTS and time.monotonic() - STARTED > float(FAULTS["good_for"])


def tools(modern: bool) -> list[dict[str, Any]]:
    """The tools of this release, in an era."""
    lacks = (*FAULTS.get("lacks", ()), *(() if modern else FAULTS.get("legacy_lacks", ())))
    names = [name for name in ("remember", "recall", "whoami", "slow") if name not in lacks]
    if "flickers" in FAULTS and next(LISTED) // 2 % 2:
        names.remove(FAULTS["flickers"])
    return [{"name": name, "inputSchema": {"type": "object"}, **FAULTS.get(name, {})} for name in names]


class State:
    """What each legacy session remembers."""

    sessions: dict[str, dict[str, Any]] = {}


def call(params: dict[str, Any], session: dict[str, Any]) -> str:
    """The text that a tool answers with."""
    arguments = params.get("arguments", {})
    name = params["name"]
    if name == "remember":
        session["value"] = arguments["value"]
    if name == "slow":
        time.sleep(float(arguments["seconds"]))
    if name in ("remember", "recall"):
        return str(session.get("value"))
    if name == "secret":  # not among its tools
        return os.environ.get("SECRET", "")
    return (
        "wrong"
        if FAULTS.get("wrong_answer")
        else f"{VERSION} {os.getpid()} {os.environ.get('SECRET', '')[:2]}"
    )


def answer(message: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
    """The JSON-RPC response to a request."""
    method, params = message.get("method"), message.get("params") or {}
    modern = "io.modelcontextprotocol/protocolVersion" in (params.get("_meta") or {})
    extra = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if modern else {}
    eras = FAULTS.get("eras", ["modern", "legacy"])
    if after_switch() and FAULTS.get("then") == "error":
        return {"error": {"code": -32603, "message": "broken"}}
    if modern and "modern" not in eras:
        return {"error": {"code": -32022, "message": "Unsupported", "data": {"supported": [LEGACY]}}}
    if method == "server/discover" and modern:
        found = {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, "serverInfo": {}}
        return {"result": {**found, **extra}}
    if method == "initialize" and "legacy" in eras:
        info = {"name": "fleet-test-server", "version": VERSION}
        return {"result": {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": info}}
    if method == "ping":
        return {"result": {}}
    if method == "tools/list":
        return {"result": {"tools": tools(modern), **extra}}
    if method == "tools/call":
        return {"result": {"content": [{"type": "text", "text": call(params, session)}], **extra}}
    return {"error": {"code": -32601, "message": f"no method {method}"}}


class Handler(http.server.BaseHTTPRequestHandler):
    """Streamable HTTP at /mcp."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def parse_request(self) -> bool:
        """A request, but for one without the token where clients have to have it."""
        if not super().parse_request():
            return False
        wanted = f"Bearer {os.environ.get(FAULTS.get('token', ''))}"
        if "token" in FAULTS and self.headers["Authorization"] != wanted:
            self.close_connection = True
            self.reply(401)
            return False
        return True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/mcp":
            return self.reply(404)
        if not self.headers["Host"].startswith("localhost:"):
            return self.reply(403)
        if after_switch() and FAULTS.get("then") == "500":
            return self.reply(500)
        if after_switch() and FAULTS.get("then") == "slow":
            time.sleep(1.5)
        message = json.loads(body)
        if message.get("method") == "subscriptions/listen":
            return self.stream({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged"})
        if "id" not in message:
            return self.reply(202)
        identifier = self.headers.get("Mcp-Session-Id")
        if identifier is not None and identifier not in State.sessions:
            return self.reply(
                404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no session"}}'
            )
        headers = {}
        if message["method"] == "initialize" and "legacy" in FAULTS.get("eras", ["legacy"]):
            identifier = headers["Mcp_Session_Id"] = str(uuid.uuid4())
            State.sessions[identifier] = {}
        response = answer(message, State.sessions.get(identifier or "", {}))
        status = 400 if "error" in response and response["error"]["code"] != -32603 else 200
        return self.reply(
            status, json.dumps({"jsonrpc": "2.0", "id": message["id"], **response}).encode(), **headers
        )

    def do_DELETE(self) -> None:
        known = State.sessions.pop(self.headers.get("Mcp-Session-Id", ""), None) is not None
        self.reply(200 if known else 404)

    def do_GET(self) -> None:
        if self.headers.get("Mcp-Session-Id") not in State.sessions:
            return self.reply(404)
        return self.stream()

    def stream(self, first: dict[str, Any] | None = None) -> None:
        """An event to begin with, then comments until the client goes away."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            if first is not None:
                event = f"data: {json.dumps(first)}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            while True:
                self.wfile.write(b"4\r\n:a\n\n\r\n")
                self.wfile.flush()
                time.sleep(0.5)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """Takes bursts of connections, and outlives each of them."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is none."""


def over_stdio() -> None:
    """Serve the one client at stdin until it closes it."""
    session: dict[str, Any] = {}
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message, session)}), flush=True)


def main() -> None:
    """Serve as the options and the faults of this release say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--say", default="")
    options = parser.parse_args()
    print(f"fleet-test-server {VERSION} {options.say}", file=sys.stderr, flush=True)
    start = FAULTS.get("start")
    if start == "exit":
        print("cannot open the database: no such host", file=sys.stderr, flush=True)
        sys.exit(3)
    if start == "hang":
        time.sleep(3600)
    if start == "flood":
        threading.Thread(target=flood, daemon=True).start()
    if options.port is None:
        return over_stdio()
    if "crash_after" in FAULTS:
        threading.Timer(float(FAULTS["crash_after"]), lambda: os._exit(9)).start()
    time.sleep(float(FAULTS.get("delay", 0)))
    port = 0 if start == "other_port" else options.port
    handler = {"html": Html, "mute": Mute}.get(str(start), Handler)
    Server(("127.0.0.1", port), handler).serve_forever()


class Html(Handler):
    """Not an MCP server at all."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, b"<html>Welcome to nginx!</html>", Content_Type="text/html")


class Mute(Handler):
    """Takes requests and never answers."""

    def do_POST(self) -> None:
        time.sleep(3600)


def flood() -> None:
    """Write to stdout without end."""
    while True:
        print("x" * 1000)
