# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge against a real HAProxy with the role's configuration, and upstreams that say who they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import Target
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.integration.edge.client import (
    INITIALIZE,
    LIST,
    Upstream,
    call,
    open_session,
    open_stream,
    port_of,
    serve,
)
from tests.support.haproxy import HAProxy
from tests.support.ports import free_ports
from tests.support.waiting import wait_for

T = TypeVar("T")


def test_new_clients_follow_the_switch_and_old_sessions_stay_where_they_began(
    haproxy: HAProxy, edge: Edge, blue: Upstream, upstream: Callable[..., Upstream]
) -> None:
    green = upstream()
    session = open_session(haproxy)
    serve(edge, green, 2)
    _response, old = call(haproxy, LIST, mcp_session_id=session)
    _response, new = call(haproxy, LIST)
    assert (json.loads(old)["port"], json.loads(new)["port"]) == (blue.port, green.port)
    assert session.startswith("g1~")
    assert blue.seen[-1]["session"] in blue.sessions


def test_the_server_sees_its_own_path_and_a_host_it_accepts(haproxy: HAProxy, blue: Upstream) -> None:
    call(haproxy, LIST, path="/time/")
    assert (blue.seen[-1]["path"], blue.seen[-1]["host"]) == ("/mcp", f"localhost:{blue.port}")


@pytest.mark.parametrize("session", ["g9~gone", "untagged", "active~x", "g1", "g~x", "g1~forged"])
def test_a_session_of_no_generation_gets_404_and_reaches_no_other(
    haproxy: HAProxy, blue: Upstream, session: str
) -> None:
    response, _body = call(haproxy, LIST, mcp_session_id=session)
    assert response.status == 404


def test_a_retired_generation_gets_404_and_may_initialize_anew(
    haproxy: HAProxy, edge: Edge, blue: Upstream, upstream: Callable[..., Upstream]
) -> None:
    green = upstream()
    session = open_session(haproxy)
    serve(edge, green, 2)
    edge.retire("time", {1})
    assert call(haproxy, LIST, mcp_session_id=session)[0].status == 404
    response, _body = call(haproxy, INITIALIZE, mcp_session_id=session)
    assert response.headers["Mcp-Session-Id"].startswith("g2~")
    assert edge.traffic("time", 2).sessions == 1


def test_sessions_and_open_streams_are_counted_until_they_end(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    first, second = open_session(haproxy), open_session(haproxy)
    stream = open_stream(haproxy, first)
    assert (edge.traffic("time", 1).sessions, edge.traffic("time", 1).open_requests) == (2, 1)
    blue.release.set()
    stream.close()
    for session in (first, second):
        call(haproxy, {}, method="DELETE", mcp_session_id=session)
    # HAProxy may notice the end of a stream a moment after the client has closed it.
    wait_for(lambda: not edge.traffic("time", 1).open_requests, "no request is open")
    traffic = edge.traffic("time", 1)
    assert (traffic.sessions, traffic.open_requests, traffic.failed) == (0, 0, 0)


@pytest.mark.parametrize("unknown", [400, 404, 500])
def test_a_session_that_was_made_up_is_not_counted_and_one_that_haproxy_lost_is(
    haproxy: HAProxy, edge: Edge, blue: Upstream, unknown: int
) -> None:
    blue.unknown = unknown
    session = open_session(haproxy)
    haproxy.kill()
    haproxy.start()
    for junk in ("g1~a", "g1~b"):
        assert call(haproxy, LIST, mcp_session_id=junk)[0].status == unknown
    assert edge.traffic("time", 1).sessions == 0
    call(haproxy, LIST, mcp_session_id=session)
    assert edge.traffic("time", 1).sessions == 1


def test_a_session_id_longer_than_a_table_key_is_counted_by_itself(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    for end in "ab":
        blue.sessions.add("x" * 500 + end)
        call(haproxy, LIST, mcp_session_id="g1~" + "x" * 500 + end)
    assert edge.traffic("time", 1).sessions == 2


def test_failed_answers_are_counted_for_the_generation_that_gave_them(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    nobody = Target("127.0.0.1", free_ports(1)[0], "/mcp")
    edge.add_generation("time", 1, blue.target)
    edge.add_generation("time", 2, nobody)
    edge.switch("time", 2, "/time")
    stream = open_stream(haproxy, "g1~x")
    assert call(haproxy, LIST)[0].status == 503
    stream.close()
    assert (edge.traffic("time", 2).failed, edge.traffic("time", 1).failed) == (1, 0)


def test_a_foreign_host_or_origin_is_refused(haproxy: HAProxy, blue: Upstream) -> None:
    assert call(haproxy, LIST, host="evil.example")[0].status == 403
    assert call(haproxy, LIST, host=f"localhost:{haproxy.port}")[0].status == 200
    assert call(haproxy, LIST, origin="http://evil.example")[0].status == 403


def test_a_server_that_listens_on_ipv6_alone_is_reached(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream("::1")
    edge.add_generation("time", 1, Target("::1", blue.port, "/mcp"))
    edge.switch("time", 1, "/time")
    assert port_of(call(haproxy, LIST)) == blue.port
    assert call(haproxy, LIST, host=f"[::1]:{haproxy.port}")[0].status == 200


def test_an_allowed_origin_passes_and_others_do_not(
    tmp_path: Path, upstream: Callable[..., Upstream]
) -> None:
    blue = upstream()
    with HAProxy(tmp_path / "node", free_ports(1)[0], edge_origins=["https://app.example"]) as haproxy:
        haproxy.edge().add_generation("time", 1, blue.target)
        haproxy.edge().switch("time", 1, "/time")
        assert call(haproxy, LIST, origin="https://APP.example")[0].status == 200
        assert call(haproxy, LIST, origin="https://app.example.evil")[0].status == 403


def test_a_killed_haproxy_comes_back_with_the_switch_it_had(
    haproxy: HAProxy, edge: Edge, blue: Upstream, upstream: Callable[..., Upstream]
) -> None:
    green = upstream()
    session = open_session(haproxy)
    serve(edge, green, 2)
    haproxy.kill()
    haproxy.start()
    assert port_of(call(haproxy, LIST)) == green.port
    assert port_of(call(haproxy, LIST, mcp_session_id=session)) == blue.port
    assert edge.agrees("time")


def test_a_file_that_was_written_before_a_crash_is_brought_to_the_runtime(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    blue, green = upstream(), upstream()
    edge.add_generation("time", 1, blue.target)
    edge.add_generation("time", 2, green.target)
    edge.switch("time", 1, "/time")
    (haproxy.maps / "active.map").write_text("time g2\n")
    assert not edge.agrees("time")
    edge.synchronise()
    assert edge.agrees("time")
    assert port_of(call(haproxy, LIST)) == green.port


def test_a_route_that_somebody_changed_in_its_file_moves_no_client_when_a_generation_is_added(
    haproxy: HAProxy, edge: Edge, blue: Upstream, upstream: Callable[..., Upstream]
) -> None:
    routes = haproxy.maps / "routes.map"
    routes.write_text(routes.read_text().replace("/time", "/elsewhere"))
    edge.add_generation("time", 2, upstream().target)
    assert port_of(call(haproxy, LIST)) == blue.port
    assert edge.agrees("time")


def test_requests_that_a_reload_left_with_the_old_process_are_counted(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    stream = open_stream(haproxy, open_session(haproxy))
    assert haproxy.process is not None
    before, _uptime = edge._runtime.identity()
    haproxy.process.send_signal(12)
    wait_for(lambda: edge._runtime.identity()[0] != before, "HAProxy has a new worker")
    assert edge.traffic("time", 1).open_requests == 1
    stream.close()


def test_servers_of_one_host_do_not_touch_each_other(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    one, two = upstream(), upstream()
    edge.add_generation("time", 1, one.target)
    edge.switch("time", 1, "/time")
    edge.add_generation("time-2", 1, two.target)
    edge.switch("time-2", 1, "/time/two")
    edge.remove("time")
    assert call(haproxy, LIST, path="/time")[0].status == 404
    assert port_of(call(haproxy, LIST, path="/time/two")) == two.port


class RestartedBefore(Effects):
    """HAProxy is killed and started anew just before the first command that begins so."""

    def __init__(self, haproxy: HAProxy, command: str) -> None:
        super().__init__()
        self._haproxy = haproxy
        self._command: str | None = command

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Do it, after a restart where its time has come."""
        if self._command and target.startswith(self._command):
            self._command = None
            self._haproxy.kill()
            self._haproxy.start()
        return super().act(name, target, function)


@pytest.mark.parametrize("command", ["prepare map", "add map", "commit map"])
def test_what_haproxy_held_before_a_restart_in_the_middle_of_a_change_does_not_come_back(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream], command: str
) -> None:
    one, two, newer = upstream(), upstream(), upstream()
    for name, server in (("one", one), ("two", two)):
        edge.add_generation(name, 1, server.target)
        edge.switch(name, 1, f"/{name}")
    edge.add_generation("one", 2, newer.target)
    edge._runtime.send(f"del map {haproxy.maps / 'active.map'} two")
    assert call(haproxy, LIST, path="/two")[0].status == 503
    haproxy.edge(RestartedBefore(haproxy, command)).switch("one", 2, "/one")
    assert [port_of(call(haproxy, LIST, path=path)) for path in ("/one", "/two")] == [newer.port, two.port]


def test_a_host_with_more_servers_than_one_command_to_haproxy_holds_serves_all_of_them(
    haproxy: HAProxy, edge: Edge, upstream: Callable[..., Upstream]
) -> None:
    server = upstream()
    names = [f"warehouse-inventory-search-tool-{number:03}" for number in range(150)]
    for name in names:
        edge.add_generation(name, 1, server.target)
        edge.switch(name, 1, f"/{name}")
    assert (haproxy.maps / "routes.map").stat().st_size > 16 * 1024
    assert all(edge.agrees(name) for name in names)
    assert {port_of(call(haproxy, LIST, path=f"/{name}")) for name in (names[0], names[-1])} == {server.port}


def test_what_haproxy_does_not_take_is_an_error_and_changes_nothing_for_clients(
    haproxy: HAProxy, edge: Edge, blue: Upstream
) -> None:
    # Depending on when it reads, HAProxy ends the connection or answers like after a success.
    with pytest.raises(FleetError, match="active.map"):
        edge._runtime.replace_map(
            haproxy.maps / "active.map", {"time": "g" * 17_000}, edge._runtime.identity()[0]
        )
    assert port_of(call(haproxy, LIST)) == blue.port


def test_a_stopped_haproxy_is_an_error_that_names_its_socket(haproxy: HAProxy, edge: Edge) -> None:
    haproxy.kill()
    with pytest.raises(FleetError, match=r"haproxy\.sock.*Start the edge"):
        edge.add_generation("time", 1, Target("127.0.0.1", 1, "/mcp"))
