# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook site: hosts are prepared once, and what runs there is left alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

from tests.integration.playbooks.fleet import NODES, Fleet, Run, is_running


def entries(root: Path) -> set[str]:
    """All that is below a folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def edge_of(fleet: Fleet, node: str) -> int:
    """The process id of a node's HAProxy (its master)."""
    supervisor = fleet.supervisor(node)
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    [edge] = [pid for pid in children if b"haproxy" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return int(edge)


def test_site_deploys_a_fleet_and_sums_up_what_each_host_serves(shared: Fleet) -> None:
    run = shared.deployment
    assert isinstance(run, Run)
    assert all(f"{node}  box  1.0.0       changed" in run.summary for node in NODES)
    assert {host: found["servers"]["box"]["version"] for host, found in run.report.items()} == dict.fromkeys(
        NODES, "1.0.0"
    )


def test_a_second_run_of_site_changes_and_restarts_nothing(deployed: Fleet) -> None:
    def processes() -> list[object]:
        return [
            (deployed.supervisor(node), edge_of(deployed, node), deployed.process(node)) for node in NODES
        ]

    before = processes()
    run = deployed.run("site").succeeded()
    assert {host: count["changed"] for host, count in run.recap.items()} == dict.fromkeys(NODES, 0)
    assert processes() == before


def test_site_in_check_mode_works_on_a_host_where_nothing_is_yet_and_changes_nothing(empty: Fleet) -> None:
    before = entries(empty.root)
    run = empty.run("site", "--check", "--diff", "--limit", "node1").succeeded()
    assert "node1  box  -           would be updated to 1.0.0" in run.summary
    assert "+serves: fleet-test-server@1.0.0" in run.output
    assert {path for path in entries(empty.root) - before if not path.startswith("ansible")} == set()


def test_hosts_that_can_not_work_are_told_in_a_sentence_what_to_do(empty: Fleet) -> None:
    empty.hosts["node1"]["mcp_haproxy"] = "/nowhere/haproxy"
    empty.hosts["node2"]["mcp_root"] = f"{empty.root}/with space"
    empty.write()
    run = empty.run("site").failed()
    assert "node1: HAProxy 2.6 or newer is needed; what came back: " in run.output
    assert "sudo apt-get install -y haproxy), or name it in mcp_haproxy." in run.output
    assert "node2: mcp_root is" in run.output and "Give absolute paths of letters, digits" in run.output
    assert "Put right what is said above of node1, node2, or leave them out" in run.output
    assert not (empty.root / "node3").exists()

    with socket.create_server(("127.0.0.1", empty.ports["node3"])):
        run = empty.run("site", "--limit", "node3").failed()
    assert f"node3: HAProxy does not listen on 127.0.0.1:{empty.ports['node3']}" in run.output
    assert "another program listens there. If the port is taken, free it or set mcp_edge_port" in run.output
    assert not (empty.root / "with space").exists()

    foreign = empty.run("demo", "--limit", "node3", mcp_demo_state="absent").failed()
    assert "only folders of inventories/demo" in foreign.output and (empty.root / "node3").exists()
    supervisor = empty.supervisor("node3")
    assert supervisor is not None
    empty.run("demo", "--limit", "node3", mcp_demo_state="absent", mcp_demo_root=str(empty.root)).succeeded()
    assert not (empty.root / "node3").exists() and not is_running(supervisor)


def test_a_host_that_could_not_be_prepared_keeps_the_rollout_from_beginning(deployed: Fleet) -> None:
    with deployed.changed("node2", mcp_haproxy="/nowhere/haproxy"):
        run = deployed.run("site", "--limit", "node1,node2", box_version="2.0.0").failed()
    assert deployed.versions() == ["1.0.0"] * 3
    assert "Nothing was changed. Put right what is said above of node2" in run.output


def test_a_configuration_that_an_earlier_run_did_not_load_is_loaded_while_clients_are_served(
    deployed: Fleet,
) -> None:
    loaded = deployed.root / "node1" / "run" / "haproxy.cfg.loaded"
    loaded.write_text(loaded.read_text().replace("timeout connect 5s", "timeout connect 4s"))
    edge, failures, done = edge_of(deployed, "node1"), list[Exception](), threading.Event()

    def call() -> None:
        while not done.is_set():
            try:
                deployed.serves("node1")
            except Exception as error:
                failures.append(error)
            time.sleep(0.02)

    client = threading.Thread(target=call)
    client.start()
    try:
        run = deployed.run("site", "--limit", "node1").succeeded()
    finally:
        done.set()
        client.join()
    assert run.recap["node1"]["changed"] == 1
    assert (failures, edge_of(deployed, "node1")) == ([], edge)
    assert "timeout connect 5s" in loaded.read_text()


def test_an_edge_moves_to_another_port_and_a_killed_supervisor_is_started_again(deployed: Fleet) -> None:
    supervisor, old = deployed.supervisor("node3"), deployed.ports["node3"]
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    deployed.move_edge("node3")
    deployed.run("site", "--limit", "node3").succeeded()
    assert (deployed.serves("node3"), deployed.supervisor("node3") != supervisor) == ("1.0.0", True)
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", old)) != 0
    edge = edge_of(deployed, "node3")
    with deployed.changed("node3", mcp_edge_address="0.0.0.0"):
        deployed.run("site", "--limit", "node3").succeeded()
    assert (deployed.serves("node3"), edge_of(deployed, "node3")) == ("1.0.0", edge)
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.2", deployed.ports["node3"])) == 0
