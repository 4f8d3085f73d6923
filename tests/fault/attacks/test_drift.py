# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was changed by hand is foreseen in check mode and put right, or refused with a reason."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import package_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.info import servers_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.fault.attacks.run import Run
from tests.support.client import LegacySession
from tests.support.node import Node, box, kill_in, version
from tests.support.ports import free_ports
from tests.support.waiting import wait_for


def served(node: Node) -> bool:
    """Whether a new client is answered."""
    try:
        return version(node) == "1.0.0"
    except (AssertionError, OSError):
        return False


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Edit a file by hand."""
    path.write_text(change(path.read_text()))


def tell(node: Node, command: str) -> None:
    """Change the running HAProxy by hand."""
    Runtime(Effects(), node.root / "run" / "haproxy.sock").ask(command)


def maps(node: Node, name: str) -> Path:
    """A map of the edge."""
    return node.root / "edge" / f"{name}.map"


def kill_for_good(node: Node) -> None:
    """Stop the process that serves as an operator may: it is not started again by itself."""
    node.host().driver.stop("box", "blue", 3)


def remove_release(node: Node) -> None:
    """Remove the folder of the release that serves."""
    release = node.host().journal.load("box").slots["blue"].path
    shutil.rmtree(release)


PUT_RIGHT: dict[str, Callable[[Node], object]] = {
    "a route is removed from its map file": lambda node: maps(node, "routes").write_text(""),
    "another route stands in the map file": lambda node: maps(node, "routes").write_text("/x box\n"),
    "the active entry is removed from its map file": lambda node: maps(node, "active").write_text(""),
    "the generations are removed from their map file": lambda node: maps(node, "generations").write_text(""),
    "a route is removed from the running HAProxy": lambda node: tell(
        node, f"del map {maps(node, 'routes')} /box"
    ),
    "the process is stopped": kill_for_good,
    "the release is removed": remove_release,
    "the description of the slot is removed": lambda node: (
        node.root / "slots/box/blue/launch.json"
    ).unlink(),
    "the description of the slot is edited": lambda node: rewrite(
        node.root / "slots/box/blue/launch.json", lambda text: text.replace("--port", "--prot")
    ),
    "the credentials of the slot are emptied": lambda node: (
        node.root / "slots/box/blue/credentials.json"
    ).write_text("{}"),
    "the journal is removed": lambda node: (node.root / "state/box/journal.json").unlink(),
}


@pytest.mark.parametrize("what", PUT_RIGHT)
def test_what_is_changed_by_hand_is_foreseen_and_put_right(node: Node, what: str) -> None:
    PUT_RIGHT[what](node)
    foreseen = node.converger(box(node, "1.0.0")).present("settled", apply=False)
    assert foreseen.plan.changes
    done = node.update("1.0.0")
    assert done.plan.lines() == foreseen.plan.lines()
    assert version(node) == "1.0.0"
    assert node.host().edge.agrees("box")
    assert not node.update("1.0.0").to_json()["changed"]
    node.update("2.0.0")
    assert version(node) == "2.0.0"


@pytest.mark.parametrize(
    "what",
    [
        "the description of the slot is edited",
        "the credentials of the slot are emptied",
        "the journal is removed",
        "a route is removed from the running HAProxy",
    ],
)
def test_an_update_over_what_was_changed_by_hand_goes_unnoticed_or_heals_it(node: Node, what: str) -> None:
    PUT_RIGHT[what](node)
    node.update("2.0.0")
    assert version(node) == "2.0.0"
    assert not node.update("2.0.0").to_json()["changed"]


EDITS: dict[str, Callable[[str, Node], str]] = {
    "path": lambda text, node: text.replace("|/mcp", "|/mpc"),
    "address": lambda text, node: text.replace("127.0.0.1|", "127.0.0.9|"),
    "port": lambda text, node: text.replace(f"|{node.slot_ports[0]}|", "|1|"),
    "port of the other slot": lambda text, node: text.replace(
        f"|{node.slot_ports[0]}|", f"|{node.slot_ports[1]}|"
    ),
}


@pytest.mark.parametrize("wanted", ["1.0.0", "2.0.0"])
@pytest.mark.parametrize("what", EDITS)
def test_where_a_generation_leads_is_put_right_in_its_file_and_no_client_notices(
    node: Node, unnoticed: Callable[[], Any], what: str, wanted: str
) -> None:
    with unnoticed():
        before = maps(node, "generations").read_text()
        rewrite(maps(node, "generations"), lambda text: EDITS[what](text, node))
        assert maps(node, "generations").read_text() != before
        assert node.update(wanted).to_json()["changed"]
    assert version(node) == wanted
    assert not node.update(wanted).to_json()["changed"]


@pytest.mark.parametrize("what", EDITS)
def test_an_edge_that_was_restarted_with_a_generation_that_leads_elsewhere_is_put_right(
    node: Node, what: str
) -> None:
    rewrite(maps(node, "generations"), lambda text: EDITS[what](text, node))
    node.supervisorctl("restart", "edge")
    wait_for(lambda: not served(node), "the edit takes effect")
    assert node.update("1.0.0").to_json()["changed"]
    assert version(node) == "1.0.0"
    assert not node.update("1.0.0").to_json()["changed"]


@pytest.mark.parametrize("later", [("2.0.0",), ("2.0.0", "3.0.0")], ids=" ".join)
def test_a_journal_that_was_put_back_from_an_older_copy_costs_no_client_anything(
    node: Node, unnoticed: Callable[[], Any], later: tuple[str, ...]
) -> None:
    journal = node.root / "state/box/journal.json"
    copy = journal.read_text()
    for each in later:
        node.update(each)
    with unnoticed():
        journal.write_text(copy)
        session = LegacySession(node.url())
        node.update("2.21.0", update={"drain": 0.5})
    assert version(node) == "2.21.0"
    with pytest.raises(AssertionError, match="404"):
        session.call("whoami")
    assert not node.update("2.21.0").to_json()["changed"]


def test_an_old_release_that_does_not_come_up_any_more_is_in_no_good_ones_way(node: Node) -> None:
    node.update("2.0.0", phase="staged")
    blue = node.host().journal.load("box").slots["blue"].path
    with Run.begin(node, "2.0.0", update={"bake": 60}) as run:
        wait_for(lambda: version(node) == "2.0.0", "clients are switched")
        run.signal(signal.SIGKILL)
        run.end()
    shutil.rmtree(f"{blue}/venv")
    kill_in(node, "blue", 1)
    outcome = node.update("3.0.0").to_json()
    assert (version(node), outcome["transaction"], outcome["plan"][0]) == ("3.0.0", None, "undo")
    assert not node.update("3.0.0").to_json()["changed"]


def slot_files(node: Node) -> Path:
    """Where the files of the slot blue are."""
    return node.root / "slots/box/blue"


def test_going_back_to_a_slot_whose_credentials_were_changed_by_hand_proves_it_anew_and_says_so(
    node: Node,
) -> None:
    rewrite(slot_files(node) / "credentials.json", lambda text: text.replace("s3cr3t", "an0ther"))
    node.update("2.0.0")
    [warning] = node.roll_back("2.0.0").report.warnings
    assert version(node) == "1.0.0"
    assert "the files of blue were changed by hand" in warning
    node.update("2.0.0")
    assert node.roll_back("2.0.0").report.warnings == []


def test_going_back_to_a_slot_that_was_changed_by_hand_to_something_worse_is_refused(node: Node) -> None:
    node.update("2.0.0")
    worse = node.host().releases.install(package_of(box(node, "2.1.0")), timeout=60)
    held = node.host().journal.load("box").slots["blue"].path
    rewrite(slot_files(node) / "launch.json", lambda text: text.replace(held, str(worse.path)))
    with pytest.raises(UpdateFailed, match="tool recall is gone"):
        node.roll_back("2.0.0")
    assert version(node) == "2.0.0"
    assert not node.update("2.0.0").to_json()["changed"]


def test_going_back_to_a_slot_whose_files_are_gone_is_refused_also_in_check_mode(node: Node) -> None:
    node.update("2.0.0")
    (slot_files(node) / "launch.json").unlink()
    for apply in (False, True):
        with pytest.raises(FleetError, match="files are not there any more. Name the version"):
            node.converger(box(node, "2.0.0")).rolled_back(unfinished_only=False, apply=apply)
    assert version(node) == "2.0.0"
    assert node.update("1.0.0").to_json()["changed"] and version(node) == "1.0.0"


def test_going_back_to_a_release_that_was_removed_by_hand_is_refused_also_in_check_mode(node: Node) -> None:
    node.update("2.0.0")
    remove_release(node)
    for apply in (False, True):
        with pytest.raises(FleetError, match="release .* is not there any more. Name the version"):
            node.converger(box(node, "2.0.0")).rolled_back(unfinished_only=False, apply=apply)
    assert version(node) == "2.0.0"
    assert node.update("1.0.0").to_json()["changed"] and version(node) == "1.0.0"


def test_a_failed_update_goes_back_to_the_process_that_still_runs_though_its_files_are_gone(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    before = node.host().driver.status("box", "blue").pid
    (slot_files(node) / "launch.json").unlink()
    with pytest.raises(UpdateFailed) as failed, unnoticed():
        node.update("2.12.0", update={"bake": 12})
    assert (version(node), node.host().driver.status("box", "blue").pid) == ("1.0.0", before)
    assert "its process, which still runs, is left alone" in " ".join(failed.value.outcome.report.warnings)
    assert node.update("2.0.0").to_json()["changed"] and version(node) == "2.0.0"


PROGRAM: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "edited": lambda path: rewrite(path, lambda text: text.replace("autostart = true", "autostart = false")),
}


@pytest.mark.parametrize("what", PROGRAM)
def test_what_would_not_come_back_with_supervisord_is_let_come_back_and_runs_on(
    node: Node, unnoticed: Callable[[], Any], what: str
) -> None:
    program = node.root / "etc/programs/box-blue.conf"
    text, pid = program.read_bytes(), node.host().driver.status("box", "blue").pid
    with unnoticed():
        PROGRAM[what](program)
        foreseen = node.converger(box(node, "1.0.0")).present("settled", apply=False)
        assert foreseen.plan.lines() == node.update("1.0.0").plan.lines() == ["enable"]
        assert (program.read_bytes(), node.host().driver.status("box", "blue").pid) == (text, pid)
        assert not node.update("1.0.0").to_json()["changed"]
        node.update("2.0.0")
        PROGRAM["removed"](node.root / "etc/programs/box-green.conf")
        node.roll_back("2.0.0")
        assert not node.update("1.0.0").to_json()["changed"]
    assert version(node) == "1.0.0" and program.read_bytes() == text


REFUSED: dict[str, tuple[Callable[[Node], object], str]] = {
    "the journal is damaged": (
        lambda node: (node.root / "state/box/journal.json").write_text("{"),
        "move it away",
    ),
    "a foreign line stands in a map": (
        lambda node: rewrite(maps(node, "generations"), lambda text: f"{text}nonsense here\n"),
        "Remove the foreign entry",
    ),
    "the layout of the host is damaged": (lambda node: node.config.write_text("{"), "role host"),
    "a map is removed": (lambda node: maps(node, "routes").unlink(), "role edge"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nobody_can_judge_is_refused_with_a_reason_and_serves_on(node: Node, what: str) -> None:
    layout, tamper, cure = node.config.read_text(), *REFUSED[what]
    before = {path.name: path.read_text() for path in (node.root / "edge").glob("*.map")}
    journal = (node.root / "state/box/journal.json").read_text()
    tamper(node)
    for apply in (False, True):
        with pytest.raises(FleetError) as caught:
            node.converger(box(node, "2.0.0")).present("settled", apply=apply)
        assert cure in str(caught.value), str(caught.value)
    assert version(node) == "1.0.0"
    node.config.write_text(layout)
    for name, text in before.items():
        (node.root / "edge" / name).write_text(text)
    (node.root / "state/box/journal.json").write_text(journal)
    node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_damaged_journal_that_is_moved_away_costs_no_client_anything(
    node: Node, unnoticed: Callable[[], Any]
) -> None:
    journal = node.root / "state/box/journal.json"
    with unnoticed():
        journal.write_text(journal.read_text()[:40])
        with pytest.raises(FleetError, match="move it away"):
            node.update("2.0.0")
        journal.rename(journal.with_name("damaged"))
        node.update("2.0.0")
    assert version(node) == "2.0.0"
    assert json.loads(journal.read_text())["active"]


def test_sessions_of_the_old_release_are_drained_also_where_the_journal_was_lost(node: Node) -> None:
    session = LegacySession(node.url())
    with Run.begin(node, "2.0.0", update={"bake": 60}) as run:
        wait_for(lambda: version(node) == "2.0.0", "clients are switched")
        run.signal(signal.SIGKILL)
        run.end()
    (node.root / "state/box/journal.json").unlink()
    assert session.call("whoami").split()[0] == "1.0.0"
    outcome = node.update("3.0.0", update={"drain": 1}).to_json()
    assert (version(node), outcome["plan"][0], outcome["drained"]["sessions_cut"]) == ("3.0.0", "finish", 1)
    with pytest.raises(AssertionError, match="404"):
        session.call("whoami")


def test_a_killed_process_is_back_by_itself_and_a_run_changes_nothing(node: Node) -> None:
    pid = node.host().driver.status("box", "blue").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: served(node), node.log)
    assert not node.update("1.0.0").to_json()["changed"]
    assert node.host().driver.status("box", "blue").pid not in (None, pid)


def test_an_edge_whose_port_was_held_for_long_is_back_by_itself_once_it_is_free(node: Node) -> None:
    edge = node.edge_processes()
    os.kill(node.supervisor(), signal.SIGSTOP)
    try:
        for pid in edge:
            os.kill(pid, signal.SIGKILL)
        holder = hold(node.edge_port)
    finally:
        os.kill(node.supervisor(), signal.SIGCONT)
    with holder:
        time.sleep(8)
    wait_for(lambda: served(node), node.log)
    assert not node.update("1.0.0").to_json()["changed"]


def hold(port: int) -> socket.socket:
    """Listen on a port as soon as it is free."""
    until = time.monotonic() + 60
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_one_damaged_journal_hides_no_other_server_of_the_host(node: Node) -> None:
    node.update("1.0.0", name="two", ports=free_ports(2), route="/two")
    (node.root / "state/box/journal.json").write_text('{"schema": 1}')
    told = {entry["server"]: entry for entry in servers_of(node.host(), None)}
    assert told["two"]["active"]["version"] == "1.0.0" and told["two"]["problem"] is None
    assert told["box"]["active"] is None and "move it away" in told["box"]["problem"]
