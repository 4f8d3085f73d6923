# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts that meet another one, that hosts want to go differently, or that lose hosts on the way."""

from __future__ import annotations

import fcntl
import json

import requests

from tests.integration.playbooks.fleet import LOST, Fleet, box

OPEN = [{"allow": "always"}]


def test_a_run_that_may_not_begin_leaves_what_another_has_under_way(deployed: Fleet) -> None:
    state = deployed.root / "node1" / "state" / "box"
    first = deployed.root / "own.yml"
    options = {
        "config": "{{ mcp_root }}/etc/host.json",
        "server": "{{ mcp_servers[0] }}",
        "phase": "active",
    }
    first.write_text(
        json.dumps(
            [{"hosts": "node1", "gather_facts": False, "tasks": [{"mcpops.fleet.mcp_update": options}]}]
        )
    )
    deployed.run(str(first), box_version="2.0.0").succeeded()
    under_way = json.loads((state / "journal.json").read_text())["transaction"]
    with (state / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        asked = {"box_version": "3.0.0", "mcp_lock_timeout": 1}
        kept_out = deployed.run("update", "--limit", "node1", **asked).failed()
    assert "another run" in kept_out.summary and "went back" not in kept_out.summary
    with deployed.changed(mcp_servers=[box(transport="stdio", arguments=[])]):
        refused = deployed.run("update", "--limit", "node1", box_version="3.0.0").failed()
    assert "Give the new way a name of its own" in refused.summary and "went back" not in refused.summary
    assert json.loads((state / "journal.json").read_text())["transaction"] == under_way
    assert deployed.serves("node1") == "2.0.0"
    deployed.run("update", "--limit", "node1", box_version="2.0.0").succeeded()
    assert json.loads((state / "journal.json").read_text())["transaction"] is None


def test_a_host_that_kept_its_release_is_not_taken_back_to_an_earlier_one(deployed: Fleet) -> None:
    deployed.run("update", "--limit", "node1", box_version="2.0.0").succeeded()
    with (
        deployed.changed("node1", box_version="2.0.0", mcp_servers=[box(route="/moved")]),
        deployed.changed("node2", box_version="2.2.0"),
    ):
        run = deployed.run("update", mcp_update_waves=[1], mcp_update_on_stop="rollback").failed()
        assert deployed.serves("node1", "moved") == "2.0.0"
    assert "node1  box  2.0.0       changed" in run.summary
    deployed.run("update", "--limit", "node1", box_version="2.0.0").succeeded()


def test_hosts_that_are_to_go_different_ways_are_refused_with_what_to_do(deployed: Fleet) -> None:
    with deployed.changed("node1", mcp_update_waves=["100%"]):
        run = deployed.run("update", "--limit", "node2,node3", box_version="2.0.0").failed()
        assert "node2, node3: the rollout is to go another way (mcp_update_waves: [" in run.output
        assert "chosen by mcp_hosts" in run.output
        deployed.run("update", mcp_hosts="node2,node3", box_version="1.0.0").succeeded()
    assert deployed.versions() == ["1.0.0"] * 3


def test_a_lost_host_is_counted_also_where_changes_have_to_be_permitted_first(deployed: Fleet) -> None:
    with deployed.changed("node3", **LOST), deployed.changed(mcp_windows=OPEN, mcp_update_waves=["100%"]):
        run = deployed.run("update", box_version="2.0.0", mcp_update_tolerated=1).failed()
    assert deployed.versions() == ["2.0.0", "2.0.0", "1.0.0"]
    assert "lost: node3 could not be reached; what it runs is unknown" in run.summary


def test_an_edge_is_called_by_many_names_and_by_an_address_of_ipv6(deployed: Fleet) -> None:
    names = [f"mcp-{number}.example.com" for number in range(80)]
    called = {
        "mcp_edge_hosts": [*names, "2001:DB8::1"],
        "mcp_edge_origins": [f"https://{name}" for name in names],
    }
    deployed.run("site", "--limit", "node1", **called).succeeded()
    url = f"http://127.0.0.1:{deployed.ports['node1']}/box"
    for host in (names[0], names[-1], "[2001:db8::1]:80", "localhost"):
        assert requests.get(url, headers={"Host": host}, timeout=20, stream=True).status_code != 403, host
    assert requests.get(url, headers={"Host": "else.example.com"}, timeout=20).status_code == 403
    deployed.run("site", "--limit", "node1").succeeded()
