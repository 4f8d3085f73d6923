# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks update, rollback and health on a deployed fleet: waves, gates, and what they tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.playbooks.fleet import LOST, NODES, Fleet, box, is_running, kill_session

CALLS = [{"tool": "whoami", "expect": "starts_with(content[0].text, '1.0.0')"}]


def test_check_mode_with_diff_shows_the_versions_and_leaves_them_running(deployed: Fleet) -> None:
    before = [deployed.process(node) for node in NODES]
    run = deployed.run("update", "--check", "--diff", box_version="2.0.0").succeeded()
    assert run.output.count("-serves: fleet-test-server@1.0.0\n+serves: fleet-test-server@2.0.0") == 3
    assert "node2  box  1.0.0       would be updated to 2.0.0" in run.summary
    assert [deployed.process(node) for node in NODES] == before


def test_an_update_with_nothing_to_do_costs_one_module_call_per_host_and_server(deployed: Fleet) -> None:
    run = deployed.run("update", "-vvv").succeeded()
    assert run.output.count("Using module file ") == len(NODES)
    assert all(count["changed"] == 0 for count in run.recap.values())
    assert all(f"{node}  box  1.0.0       ok" in run.summary for node in NODES)


def test_a_release_that_does_not_start_stops_at_the_first_wave_and_a_good_one_then_goes_on(
    deployed: Fleet,
) -> None:
    bad = deployed.run("update", box_version="2.2.0").failed()
    assert deployed.versions() == ["1.0.0"] * 3
    assert "node1  box  1.0.0       went back: box: bring up fleet-test-server@2.2.0" in bad.summary
    assert "cannot open the database: no such host" in bad.summary
    assert "node2  box  1.0.0       not updated" in bad.summary
    assert {host: count["failed"] for host, count in bad.recap.items()} == {
        "node1": 1,
        "node2": 0,
        "node3": 0,
    }
    assert bad.report["node1"]["problem"] and bad.report["node3"]["problem"] is None

    good = deployed.run("update", box_version="2.0.0").succeeded()
    assert deployed.versions() == ["2.0.0"] * 3
    assert good.output.count("PLAY [Update in waves]") == 2


def test_a_release_that_goes_bad_during_bake_is_gone_back_from_where_it_was_tolerated(
    deployed: Fleet,
) -> None:
    with (
        deployed.changed(mcp_servers=[box(update={**box()["update"], "bake": 5})]),
        deployed.changed("node1", box_version="2.10.0"),
        deployed.changed("node2", box_version="2.0.0"),
    ):
        run = deployed.run("update", "--limit", "node1,node2", mcp_update_tolerated=1).failed()
    assert deployed.versions() == ["1.0.0", "2.0.0", "1.0.0"]
    assert "node1  box  1.0.0       went back: box: " in run.summary
    assert "node2  box  2.0.0       changed (switched in " in run.summary
    assert (run.recap["node1"]["failed"], run.recap["node2"]["failed"]) == (1, 0)


@pytest.mark.parametrize(("lost", "served"), [("node1", "1.0.0"), ("node2", "2.0.0")])
def test_a_lost_host_is_named_and_the_next_wave_does_not_begin(
    deployed: Fleet, lost: str, served: str
) -> None:
    with deployed.changed(lost, **LOST), deployed.changed(mcp_update_waves=[1]):
        run = deployed.run("update", box_version="2.0.0").failed()
    assert deployed.versions() == [served, "1.0.0", "1.0.0"]
    assert f"lost: {lost} could not be reached; what it runs is unknown" in run.summary
    assert "node3  box  1.0.0       not updated" in run.summary


def test_a_host_without_its_interpreter_stops_the_rollout(deployed: Fleet) -> None:
    with deployed.changed("node1", ansible_python_interpreter="/nowhere/python"):
        run = deployed.run("update", box_version="2.0.0").failed()
    assert deployed.versions() == ["1.0.0"] * 3
    assert "node1" in run.summary and "/nowhere/python" in run.summary


def test_a_host_that_was_never_prepared_is_not_said_to_have_gone_back(
    deployed: Fleet, tmp_path: Path
) -> None:
    with deployed.changed("node1", mcp_root=str(tmp_path)):
        run = deployed.run("update", "--limit", "node1").failed()
    assert "prepare this host with the role host first" in run.summary.lower()
    assert "back" not in run.summary.lower().replace("go back", "")
    assert deployed.versions() == ["1.0.0"] * 3


def test_rollback_returns_the_chosen_hosts_and_servers_and_done_twice_changes_nothing(
    deployed: Fleet,
) -> None:
    deployed.run("update", box_version="2.0.0", mcp_update_waves=["100%"]).succeeded()
    deployed.run("rollback", "--limit", "node2", mcp_rollback_servers=["box"]).succeeded()
    assert deployed.versions() == ["2.0.0", "1.0.0", "2.0.0"]
    with deployed.changed("node3", **LOST):
        partly = deployed.run("rollback").failed()
    assert deployed.versions() == ["1.0.0", "1.0.0", "2.0.0"]
    assert "lost: node3 could not be reached; what it runs is unknown" in partly.summary
    assert "node1  box  1.0.0       went back" in partly.summary
    assert deployed.run("rollback", "--limit", "node1,node2").succeeded().recap["node1"]["changed"] == 0


def test_health_is_green_and_says_what_is_wrong_where_a_server_lacks_what_is_required(
    deployed: Fleet,
) -> None:
    deployed.run("health").succeeded()
    with deployed.changed("node2", mcp_servers=[box(require={"tools": ["fly"]})]):
        run = deployed.run("health").failed()
    assert "box: check health at " in run.output and "fly" in run.output
    assert {host: count["failed"] for host, count in run.recap.items()} == {
        "node1": 0,
        "node2": 1,
        "node3": 0,
    }


def test_a_server_that_was_stopped_for_good_is_found_by_health_and_started_again_by_update(
    deployed: Fleet,
) -> None:
    pid = deployed.process("node1")
    stop = deployed.supervisorctl("node1", "stop", f"box-{deployed.slot('node1')}")
    assert stop.returncode == 0 and not is_running(pid)
    run = deployed.run("health", "--limit", "node1").failed()
    assert "box: check health at http://127.0.0.1:" in run.output and "See the log of its slot" in run.output
    deployed.run("update", "--limit", "node1").succeeded()
    assert deployed.serves("node1") == "1.0.0"


@pytest.mark.parametrize(
    ("number", "task"), [(signal.SIGINT, "Stage and prove box"), (signal.SIGKILL, "Switch clients")]
)
def test_a_run_that_is_ended_in_the_middle_is_made_up_for_by_the_next(
    deployed: Fleet, number: signal.Signals, task: str
) -> None:
    process = deployed.start("update", "--limit", "node1", box_version="2.0.0")
    try:
        assert process.stdout is not None
        assert any(f"{task}" in line for line in process.stdout)
        time.sleep(0.3)
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
    finally:
        kill_session(process)
    assert deployed.serves("node1") in ("1.0.0", "2.0.0")
    deployed.run("update", "--limit", "node1", box_version="2.0.0").succeeded()
    assert deployed.serves("node1") == "2.0.0"


def test_expectations_are_checked_where_ansible_s_python_has_no_jmespath(deployed: Fleet) -> None:
    python = interpreter_without("jmespath")
    with deployed.changed(
        "node3", ansible_python_interpreter=python, mcp_servers=[box(require={"calls": CALLS})]
    ):
        run = deployed.run("health", "--limit", "node3", "-vvv").succeeded()
        wrong = deployed.run("update", "--limit", "node3", box_version="2.0.0").failed()
    assert python in run.output
    assert "starts_with(content[0].text, '1.0.0')" in wrong.summary
    assert deployed.serves("node3") == "1.0.0"


def interpreter_without(module: str) -> str:
    """A Python on this machine that lacks a module; the oldest there is, if pyenv has 3.9."""

    def lacks(path: Path) -> bool:
        asked = [str(path), "-I", "-c", f"import {module}"]
        return subprocess.run(asked, capture_output=True, check=False).returncode != 0

    found = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))
    return str(
        next(filter(lacks, [*found, Path("/usr/bin/python3"), Path(sys.base_prefix) / "bin" / "python3"]))
    )


def test_what_a_stopped_rollout_changed_is_taken_back_where_that_is_chosen(deployed: Fleet) -> None:
    with deployed.changed(box_version="2.0.0"), deployed.changed("node2", box_version="2.2.0"):
        run = deployed.run("update", mcp_update_waves=[1], mcp_update_on_stop="rollback").failed()
    assert deployed.versions() == ["1.0.0"] * 3
    assert "node1  box  1.0.0       went back (switched in " in run.summary
    assert "The rollout stopped: 1 failed (node2), 0 tolerated." in run.summary


def test_a_rollout_that_asks_after_the_first_wave_waits_for_the_answer_and_then_goes_on(
    deployed: Fleet,
) -> None:
    asked = deployed.run("update", box_version="2.0.0", mcp_update_pause="ask").failed()
    assert deployed.versions() == ["2.0.0", "1.0.0", "1.0.0"]
    assert "run it again with -e mcp_update_confirmed=true to go on" in asked.summary
    assert "node2  box  1.0.0       not updated" in asked.summary
    told = {"mcp_update_pause": "ask", "mcp_update_confirmed": True}
    deployed.run("update", box_version="2.0.0", **told).succeeded()
    assert deployed.versions() == ["2.0.0"] * 3


@pytest.mark.parametrize("waves", [[], [0], ["none"], ["150%"], "1", [-1]], ids=str)
def test_waves_that_make_no_sense_are_refused_before_anything_is_changed(
    deployed: Fleet, waves: object
) -> None:
    run = deployed.run("update", box_version="2.0.0", mcp_update_waves=waves).failed()
    assert "mcp_update_waves is" in run.output and "Give a list of numbers of hosts (1 or more)" in run.output
    assert deployed.versions() == ["1.0.0"] * 3


def test_an_inventory_without_hosts_is_an_error(
    deployed: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = tmp_path / "nobody.yml"
    nobody.write_text("all: {hosts: {}}\n")
    monkeypatch.setattr(deployed, "inventory", nobody)
    run = deployed.run("update").failed()
    assert "There is no host in the inventory" in run.output


def test_waves_are_those_of_the_fleet_s_hosts_where_a_tier_s_edges_stand_first(
    deployed: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = tmp_path / "tiered.yml"
    inventory.write_text(
        "all:\n  children:\n    mcp_edges: {hosts: {edge1: {}}}\n"
        "    mcp: {hosts: {a: {}, b: {}}, vars: {mcp_update_waves: ['100%'], ansible_connection: local}}\n"
    )
    monkeypatch.setattr(deployed, "inventory", inventory)
    run = deployed.run("update", "--check").succeeded()
    assert run.output.count("PLAY [Update in waves]") == 1
