# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tier over real hosts: where sessions and new clients go while hosts, releases and edges come and go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from tests.integration.tier.conftest import Hosts
from tests.support.client import LegacySession, modern_call, post
from tests.support.node import Node
from tests.support.tier import Tier, digest
from tests.support.waiting import wait_for

INITIALIZE = {
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


def process(answer: str) -> int:
    """The process that ``whoami`` was answered by."""
    return int(answer.split()[1])


def processes(hosts: Hosts) -> dict[str, int]:
    """The process that serves new clients of ``box`` on each host."""
    return {name: process(modern_call(node.url(), "whoami")) for name, node in hosts.nodes.items()}


def session_on(hosts: Hosts, tier: Tier, host: str) -> LegacySession:
    """A new session that the tier has put on a certain host."""
    wanted = processes(hosts)[host]
    for _attempt in range(10):
        session = LegacySession(tier.url("/box"))
        if process(session.call("whoami")) == wanted:
            return session
        session.close()
    raise AssertionError(f"none of ten sessions went to {host}")


def edge_of(node: Node, command: str) -> None:
    """Start or stop a host's own edge; its servers go on."""
    configuration = str(node.root / "etc" / "supervisord.conf")
    argv = [sys.executable, "-m", "supervisor.supervisorctl", "-c", configuration, command, "edge"]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)


def test_an_update_on_a_host_keeps_the_sessions_that_came_through_the_tier(hosts: Hosts, tier: Tier) -> None:
    beta = hosts.nodes["beta"]
    session = session_on(hosts, tier, "beta")
    session.call("remember", value="kept")
    updating = threading.Thread(target=beta.update, args=("2.0.0",))
    updating.start()
    wait_for(lambda: modern_call(beta.url(), "whoami").startswith("2.0.0 "), "beta serves 2.0.0")
    assert (session.call("recall"), session.call("whoami").split()[0]) == ("kept", "1.0.0")
    met = {modern_call(tier.url("/box"), "whoami").split()[0] for _each in range(6)}
    assert met == {"1.0.0", "2.0.0"}
    session.close()
    updating.join(30)
    assert not updating.is_alive()


def test_a_session_reaches_its_own_host_through_every_edge_of_the_tier(
    hosts: Hosts, tiers: tuple[Tier, Tier]
) -> None:
    one, two = tiers
    sessions = [LegacySession(tier.url("/box")) for tier in (one, two) for _each in range(3)]
    for number, session in enumerate(sessions):
        session.call("remember", value=number)
    own = [process(session.call("whoami")) for session in sessions]
    for tier in (two, one, two):
        for number, session in enumerate(sessions):
            session.url = tier.url("/box")
            assert session.call("recall") == str(number)
            assert process(session.call("whoami")) == own[number]
    assert set(own) == set(processes(hosts).values())


def test_new_clients_are_spread_over_the_hosts(hosts: Hosts, tier: Tier) -> None:
    met = [process(modern_call(tier.url("/box"), "whoami")) for _each in range(6)]
    assert sorted(set(met)) == sorted(processes(hosts).values())
    assert all(met.count(found) == 3 for found in set(met))


def test_a_host_that_lacks_a_server_is_not_asked_for_it(hosts: Hosts, tier: Tier) -> None:
    own = process(modern_call(hosts.nodes["alpha"].url("solo"), "whoami"))
    assert {process(modern_call(tier.url("/solo"), "whoami")) for _each in range(6)} == {own}


def test_a_host_that_goes_away_gets_no_new_clients_and_its_sessions_wait_for_it(
    hosts: Hosts, tier: Tier
) -> None:
    staying, waiting = session_on(hosts, tier, "alpha"), session_on(hosts, tier, "beta")
    waiting.call("remember", value="kept")
    alpha = processes(hosts)["alpha"]
    edge_of(hosts.nodes["beta"], "stop")
    try:
        tier.await_health("/box", beta=False)
        assert {process(modern_call(tier.url("/box"), "whoami")) for _each in range(10)} == {alpha}
        assert process(staying.call("whoami")) == alpha
        status, headers, body = post(tier.url("/box"), {"method": "tools/list"}, waiting.headers)
        assert (status, headers["Retry-After"], body["error"]["code"]) == (503, "2", -32000)
        # HAProxy writes of a request after it was answered.
        log = tier.root / "haproxy.log"
        wait_for(lambda: "route:box/beta POST 503" in log.read_text(), log.read_text)
        assert waiting.headers["Mcp-Session-Id"].rpartition("~")[2] not in log.read_text()
    finally:
        edge_of(hosts.nodes["beta"], "start")
    tier.await_health("/box", beta=True)
    assert waiting.call("recall") == "kept"


def test_new_clients_never_fail_while_a_host_goes_away_and_comes_back(hosts: Hosts, tier: Tier) -> None:
    edge_of(hosts.nodes["beta"], "stop")
    try:
        for _each in range(20):
            modern_call(tier.url("/box"), "whoami")
    finally:
        edge_of(hosts.nodes["beta"], "start")
    tier.await_health("/box", beta=True)


def test_a_server_that_hangs_gets_no_new_clients(hosts: Hosts, tier: Tier) -> None:
    alpha, beta = processes(hosts).values()
    os.kill(beta, signal.SIGSTOP)
    try:
        tier.await_health("/box", beta=False)
        assert {process(modern_call(tier.url("/box"), "whoami")) for _each in range(6)} == {alpha}
    finally:
        os.kill(beta, signal.SIGCONT)
    tier.await_health("/box", beta=True)


def test_a_session_of_a_host_that_left_the_inventory_gets_404_and_others_go_on(
    hosts: Hosts, tier: Tier
) -> None:
    staying, ending = session_on(hosts, tier, "alpha"), session_on(hosts, tier, "beta")
    staying.call("remember", value="kept")
    tier.configure({"/box": {"alpha": hosts.nodes["alpha"].edge_port}})
    tier.reload()
    status, _headers, body = post(tier.url("/box"), {"method": "tools/list"}, ending.headers)
    assert (status, body["error"]["code"]) == (404, -32001)
    assert staying.call("recall") == "kept"


def test_a_host_that_joins_the_inventory_gets_new_clients_and_no_session_is_lost(
    hosts: Hosts, tier: Tier
) -> None:
    tier.configure({"/box": {"alpha": hosts.nodes["alpha"].edge_port}})
    tier.reload()
    session = LegacySession(tier.url("/box"))
    session.call("remember", value="kept")
    tier.configure(hosts.routes)
    tier.reload()
    met = {process(modern_call(tier.url("/box"), "whoami")) for _each in range(6)}
    assert met == set(processes(hosts).values())
    assert session.call("recall") == "kept"


def test_a_killed_edge_of_the_tier_has_lost_no_session_when_it_is_back(hosts: Hosts, tier: Tier) -> None:
    sessions = {name: session_on(hosts, tier, name) for name in hosts.nodes}
    for name, session in sessions.items():
        session.call("remember", value=name)
    tier.kill()
    tier.start()
    assert [session.call("recall") for session in sessions.values()] == list(sessions)


def test_a_stale_session_gets_404_and_may_initialize_anew(hosts: Hosts, tier: Tier) -> None:
    known = LegacySession(tier.url("/box")).headers["Mcp-Session-Id"]
    for stale in (
        "abc",
        "g1~abc",
        f"{digest('gone')}.g1~abc",
        known.partition(".")[2],
        f"{digest('alpha')}.abc",
    ):
        headers = {"Mcp-Session-Id": stale}
        assert post(tier.url("/box"), {"method": "tools/list"}, headers)[0] == 404, stale
        status, answered, _body = post(tier.url("/box"), INITIALIZE, headers)
        assert (status, answered["Mcp-Session-Id"] != stale) == (200, True)


def test_other_names_and_origins_are_refused(hosts: Hosts, tier: Tier) -> None:
    def status(**headers: str) -> int:
        return int(post(tier.url("/box"), INITIALIZE, headers)[0])

    assert status(Host="evil.example") == 403
    assert status(Host="LOCALHOST:1") == 200
    assert status(Origin="https://evil.example") == 403
    tier.settings["tier_origins"] = ["https://app.example"]
    tier.configure(hosts.routes)
    tier.reload()
    assert status(Origin="https://app.example") == 200
    assert status(Origin="https://evil.example") == 403
