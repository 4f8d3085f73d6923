# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process answers all modern clients of a bridge: none of them may end it or hear what is another's."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import MODERN
from tests.support.ports import free_ports

BRIDGE = Path(__file__).parents[3] / "roles" / "host" / "files" / "bridge"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="module")
def bridge() -> Iterator[int]:
    """The port of a bridge with a modern server."""
    [port] = free_ports(1)
    server = [sys.executable, str(Path(__file__).with_name("shared.py"))]
    with subprocess.Popen([sys.executable, "-I", str(BRIDGE), "--port", str(port), "--", *server]) as process:
        try:
            until_it_answers(process, port)
            yield port
        finally:
            process.terminate()


def until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait for the bridge to listen."""
    while True:
        assert process.poll() is None
        try:
            ask(port, request("go"))
            return
        except ConnectionRefusedError:
            time.sleep(0.1)


def request(tool: str, meta: dict[str, Any] | None = None, arguments: str = "{}") -> bytes:
    """The body of a call; ``arguments`` are JSON."""
    told = json.dumps({**META, **(meta or {})})
    params = f'{{"name": "{tool}", "arguments": {arguments}, "_meta": {told}}}'
    return f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'.encode()


def begun(port: int, body: bytes) -> http.client.HTTPConnection:
    """A call that was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": json.loads(body)["params"]["name"],
    }
    connection.request("POST", "/mcp", body, headers)
    return connection


def ask(port: int, body: bytes) -> tuple[int, str]:
    """The status and the text of what is answered."""
    with closing(begun(port, body)) as connection:
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize(
    "arguments", [r'{"a": "\ud800"}', '{"a": ' + "[" * 300 + "]" * 300 + "}"], ids=["surrogate", "deep"]
)
def test_a_request_that_cannot_be_passed_on_is_refused_and_the_process_of_the_others_stays(
    bridge: int, arguments: str
) -> None:
    before = ask(bridge, request("go"))
    assert ask(bridge, request("go", arguments=arguments))[0] == 400
    assert ask(bridge, request("go")) == before


def test_what_does_not_say_whose_it_is_reaches_nobody(bridge: int) -> None:
    begun(bridge, request("wait")).close()
    status, text = ask(bridge, request("go", {"progressToken": "mine"}))
    assert status == 200 and '"progressToken": "mine"' in text
    assert "of another" not in text
