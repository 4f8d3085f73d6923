# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the lab are what an operator would have, faults included, and nothing of them stays."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.command import LabError
from tests.lab.lab import REPOSITORY, Lab
from tests.support.waiting import wait_for

_PREFIX = "mcptest"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    root = REPOSITORY / ".work" / "lab-test"
    made = Lab(root, _PREFIX, root / "inventory" / "hosts.yml", print)
    made.down()
    made.up(2)
    yield made
    made.down()
    shutil.rmtree(root)


def _ansible(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["ansible", "all", "--inventory", str(lab.inventory), "--become", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _traces() -> set[str]:
    """All that a lab has outside its folder, by whatever name this machine lists it."""
    listings = [
        [path.name for path in Path("/sys/class/net").iterdir()],
        [path.name for path in Path("/run/netns").glob("*")],
        Path("/proc/mounts").read_text("utf-8").splitlines(),
        subprocess.run(
            ["nft", "list", "tables"], capture_output=True, text=True, check=True
        ).stdout.splitlines(),
        [str(path) for path in Path("/sys/fs/cgroup").glob("**/mcptest*")],
        [path.name for path in Path("/run").iterdir()],
        [" ".join(_argv(path)) for path in Path("/proc").glob("[0-9]*")],
    ]
    names = (_PREFIX, "lab-test")
    return {line for listing in listings for line in listing if any(name in line for name in names)}


def _argv(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_text("utf-8", "replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_ansible_reaches_every_host_by_ssh_and_becomes_root(lab: Lab) -> None:
    done = _ansible(lab, "--module-name=command", "--args=id --user --name")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("root") == 2


def test_systemd_runs_each_host_with_no_failed_unit(lab: Lab) -> None:
    assert [lab.run(name, "systemctl is-system-running").strip() for name in ("node1", "node2")] == [
        "running"
    ] * 2


def test_services_of_one_host_are_not_those_of_another(lab: Lab) -> None:
    for name in ("node1", "node2"):
        lab.run(name, "sudo systemd-run --quiet --unit=own sleep 1000")
    lab.run("node1", "sudo systemctl stop own")
    assert lab.run("node2", "systemctl is-active own").strip() == "active"


def test_limits_of_a_unit_hold(lab: Lab) -> None:
    unit = "sudo systemd-run --quiet --wait --property=MemoryMax=30M --property=MemorySwapMax=0"
    lab.run("node1", f"{unit} python3 -c 'bytearray(10_000_000)'")
    with pytest.raises(LabError):
        lab.run("node1", f"{unit} python3 -c 'bytearray(100_000_000)'")
    lab.run("node1", "sudo systemctl reset-failed")


def test_packages_are_fetched_from_within_a_host(lab: Lab) -> None:
    lab.run("node1", "python3 -m venv venv && venv/bin/pip download --quiet --no-deps idna")


def test_a_cut_host_is_unreachable_until_it_is_mended(lab: Lab) -> None:
    lab.cut("node2")
    done = _ansible(lab, "--module-name=ping", "--timeout=3")
    assert "node2 | UNREACHABLE!" in done.stdout
    assert "node1 | SUCCESS" in done.stdout
    lab.mend("node2")
    assert _ansible(lab, "--module-name=ping").returncode == 0


def test_an_isolated_host_is_reached_and_reaches_nothing_beyond_the_lab(lab: Lab) -> None:
    lab.isolate("node2")
    assert "unreachable" in lab.run("node2", "ip route get 192.0.2.1 2>&1 || echo unreachable")
    assert lab.reached("node2")
    lab.up(2)
    assert "via" in lab.run("node2", "ip route get 192.0.2.1")


def test_a_host_comes_back_from_a_power_loss_with_what_was_written(lab: Lab) -> None:
    lab.run("node1", "echo kept > file && sync file")
    before = lab.run("node1", "cat /proc/sys/kernel/random/boot_id")
    lab.kill("node1")
    assert not lab.reached("node1")
    assert lab.reached("node2")
    lab.start("node1")
    assert lab.run("node1", "cat file").strip() == "kept"
    assert lab.run("node1", "cat /proc/sys/kernel/random/boot_id") != before
    assert lab.run("node1", "systemctl is-system-running").strip() == "running"


def test_a_host_that_reboots_comes_back_by_itself(lab: Lab) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = lab.run("node1", boot)
    # The connection may end before the answer comes.
    with contextlib.suppress(LabError):
        lab.run("node1", "sudo reboot")
    wait_for(lambda: lab.reached("node1") and lab.run("node1", boot) != before, "it is up again", pause=0.2)


def test_a_second_up_changes_nothing(lab: Lab) -> None:
    records = {host.name: host.record.read_text("ascii") for host in lab.hosts().values()}
    lab.up(2)
    assert {host.name: host.record.read_text("ascii") for host in lab.hosts().values()} == records


def test_up_switches_on_what_is_off_and_adds_and_removes_hosts(lab: Lab) -> None:
    lab.kill("node2")
    lab.up(2, edges=1)
    assert lab.reached("node2")
    assert lab.reached("edge1")
    assert "mcp_edges" in lab.inventory.read_text("utf-8")
    lab.up(2)
    assert list(lab.hosts()) == ["node1", "node2"]
    assert not [trace for trace in _traces() if "edge1" in trace]


def test_an_up_that_fails_takes_down_what_it_had_begun_and_no_more(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Lab, host: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Lab, "_await", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.up(3)
    assert list(lab.hosts()) == ["node1", "node2"]
    assert not [trace for trace in _traces() if "node3" in trace]
    assert lab.reached("node1")


def test_a_host_that_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(LabError, match="there is no host node9; the lab has: node1, node2"):
        lab.cut("node9")


def test_down_leaves_nothing_behind_and_can_be_repeated(lab: Lab) -> None:
    assert _traces()
    lab.down()
    assert not _traces()
    assert not lab.inventory.exists()
    lab.down()
