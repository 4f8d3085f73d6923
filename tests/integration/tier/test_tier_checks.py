# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks of a tier: which answers keep a host in, and what a check leaves behind."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.client import post
from tests.support.ports import free_ports
from tests.support.tier import Tier
from tests.support.waiting import wait_for


class Canned(NamedTuple):
    """One answer to everything that is posted."""

    status: int
    body: str
    content_type: str = "application/json"
    session: str | None = None


DISCOVERED = '{"result":{"supportedVersions":["2026-07-28"],"capabilities":{}},"jsonrpc":"2.0","id":1}'
REFUSED = (
    '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}'
)

SERVING = {
    "modern": Canned(200, DISCOVERED),
    "modern-as-events": Canned(200, f"event: message\ndata: {DISCOVERED}\n\n", "text/event-stream"),
    "modern-with-much-to-say": Canned(200, DISCOVERED.replace("{}", f'"{"x" * 60000}"')),
    "legacy": Canned(400, REFUSED),
    "legacy-that-opens-a-session": Canned(400, REFUSED, session="g3~opened"),
    "legacy-without-sessions": Canned(200, '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}'),
    "guarded": Canned(401, "", "text/plain"),
    "guarded-by-a-gateway": Canned(403, '{"message":"no token"}'),
    "guarded-and-answering-anyway": Canned(200, DISCOVERED),
    "legacy-in-words": Canned(422, "Unexpected message, expect initialize request", "text/plain"),
}
BROKEN = {
    "no-such-route": Canned(404, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no server"}}'),
    "no-active-slot": Canned(503, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no slot"}}'),
    "guarded-with-no-slot": Canned(503, "", "text/plain"),
    "a-token-wanted-of-which-nothing-is-known": Canned(401, "", "text/plain"),
    "fault": Canned(500, '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"broken"}}'),
    "web-page": Canned(200, "<html><body>Your session will initialize</body></html>", "text/html"),
    "bad-request-page": Canned(400, "<html>plain HTTP request was sent to HTTPS port</html>", "text/html"),
    "foreign-host": Canned(403, "", "text/plain"),
    "sign-in": Canned(302, "", "text/plain"),
}


class Server(http.server.ThreadingHTTPServer):
    """Says nothing of a check that has read enough and is gone."""

    def handle_error(self, *_: object) -> None:
        pass


class Host:
    """A host's edge that answers by path with what is canned, and notes what it was sent."""

    def __init__(self) -> None:
        self.ended: dict[str, set[str]] = {}
        self.checks: dict[str, int] = {}
        self.cut_off = 0
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                name = self.path[1:]
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if message["method"] == "tools/call":
                    host.cut_off += 1
                    self.close_connection = True
                    return
                assert message["method"] == self.headers["Mcp-Method"] == "server/discover"
                host.checks[name] = host.checks.get(name, 0) + 1
                canned = {**SERVING, **BROKEN}[name]
                self.send_response(canned.status)
                self.send_header("Content-Type", canned.content_type)
                if canned.session:
                    self.send_header("Mcp-Session-Id", canned.session)
                self.send_header("Content-Length", str(len(canned.body)))
                self.end_headers()
                self.wfile.write(canned.body.encode())

            def do_DELETE(self) -> None:
                host.ended.setdefault(self.path[1:], set()).add(self.headers["Mcp-Session-Id"])
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Checked(NamedTuple):
    """A tier that has checked a host twice and more."""

    tier: Tier
    host: Host


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """One host, with a route for each answer."""
    host = Host()
    [port] = free_ports(1)
    routes = {f"/{name}": {"alpha": host.port} for name in {**SERVING, **BROKEN}}
    with Tier(tmp_path_factory.mktemp("t") / "tier", port, routes) as tier:
        wait_for(lambda: all(host.checks.get(path[1:], 0) > 2 for path in routes), "each route is checked")
        yield Checked(tier, host)
    host.server.shutdown()
    host.server.server_close()


@pytest.mark.parametrize("answer", SERVING)
def test_a_host_stays_in_that_answers_as_a_server_of_any_era_does(checked: Checked, answer: str) -> None:
    assert checked.tier.healthy(f"/{answer}") == {"alpha": True}


@pytest.mark.parametrize("answer", BROKEN)
def test_a_host_is_taken_out_that_answers_as_no_healthy_server_does(checked: Checked, answer: str) -> None:
    assert checked.tier.healthy(f"/{answer}") == {"alpha": False}
    assert post(checked.tier.url(f"/{answer}"), {"method": "tools/list"})[0] == 503


def test_a_check_ends_the_session_that_a_server_opened_for_it_and_no_other(checked: Checked) -> None:
    wait_for(lambda: checked.host.ended.keys() >= SERVING.keys(), "each check ends")
    assert {name: checked.host.ended[name] for name in SERVING} == {
        name: {canned.session or "none"} for name, canned in SERVING.items()
    }


def test_a_request_that_a_host_may_have_received_is_not_sent_again(checked: Checked) -> None:
    status, _headers, _body = post(checked.tier.url("/modern"), {"method": "tools/call"})
    assert (status, checked.host.cut_off) == (502, 1)


def test_a_host_that_nobody_answers_at_costs_new_clients_nothing(tmp_path: Path, checked: Checked) -> None:
    port, nobody = free_ports(2)
    routes = {"/modern": {"alpha": checked.host.port, "beta": nobody}}
    discover = {"method": "server/discover"}
    with Tier(tmp_path / "tier", port, routes, tier_check_interval=600) as tier:
        answered = {
            post(tier.url("/modern"), discover, {"Mcp-Method": "server/discover"})[0] for _each in range(8)
        }
    assert answered == {200}
