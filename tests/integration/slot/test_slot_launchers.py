# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stdio servers: what clients start, and the switch between slots."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.launcher import Launchers
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import launched
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec
from tests.integration.slot.node import HERE, LAUNCHER, Cut, RecordingEffects
from tests.support.waiting import wait_for


class Client:
    """A client of a stdio server: it speaks in lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def say(self, text: str) -> dict[str, Any]:
        """One line there, one back."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextlib.contextmanager
def client(program: Path, *arguments: str, **variables: str) -> Iterator[Client]:
    """A client that started the program."""
    process = subprocess.Popen(
        [str(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
        text=True,
    )
    try:
        yield Client(process)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.communicate(timeout=10)
        process.kill()


@pytest.fixture
def effects() -> RecordingEffects:
    return RecordingEffects()


@pytest.fixture
def launchers(tmp_path: Path, effects: RecordingEffects) -> Launchers:
    return Launchers(effects, tmp_path / "the bin", SlotFiles(effects, tmp_path / "slots"), LAUNCHER)


def spec(slot: str, version: str, **more: Any) -> SlotSpec:
    argv = (sys.executable, "-I", "-S", str(HERE / "stdio.py"), version)
    values = {"environment": {}, "credentials": {}, "directory": "", "stop_timeout": 5.0, **more}
    return SlotSpec(server="time", slot=slot, argv=argv, inherit_environment=True, **values)


def test_a_switch_leaves_running_clients_and_gives_new_ones_the_new_release(launchers: Launchers) -> None:
    launchers.place(spec("blue", "1.0"))
    launchers.point("time", "blue")
    with client(launchers.link("time")) as old:
        assert old.say("hello")["version"] == "1.0"
        launchers.place(spec("green", "2.0"))
        assert launchers.pointed("time") == "blue"
        launchers.point("time", "green")
        with client(launchers.link("time")) as new:
            assert (old.say("still there?")["version"], new.say("hello")["version"]) == ("1.0", "2.0")
    assert launchers.pointed("time") == "green"


def test_a_slot_can_be_tried_before_clients_get_it(launchers: Launchers) -> None:
    launchers.place(spec("blue", "1.0"))
    assert launchers.pointed("time") is None
    with client(launchers.script("time", "blue")) as probe:
        assert probe.say("hello")["version"] == "1.0"


def test_the_environment_of_a_client_lies_beneath_the_definitions(launchers: Launchers) -> None:
    launchers.place(spec("blue", "1.0", environment={"LEVEL": "ours"}, credentials={"TOKEN": "ours too"}))
    launchers.point("time", "blue")
    theirs = {"LEVEL": "theirs", "TOKEN": "theirs", "FROM_CLIENT": "yes"}
    with client(launchers.link("time"), "--zone", "a b", **theirs) as started:
        answer = started.say("hello")
    wanted = {"LEVEL": "ours", "TOKEN": "ours too", "FROM_CLIENT": "yes", "MCP_FLEET_SLOT": "time/blue"}
    assert {name: answer["environment"].get(name) for name in wanted} == wanted
    assert (answer["more"], answer["pid"]) == (["--zone", "a b"], started.process.pid)


def test_what_clients_started_is_found_with_its_slot_and_start(launchers: Launchers, tmp_path: Path) -> None:
    root = tmp_path / "slots"
    launchers.place(spec("blue", "1.0"))
    launchers.place(spec("green", "2.0"))
    scripts = [launchers.script("time", slot) for slot in ("blue", "green")]
    with client(scripts[0]) as first, client(scripts[1]) as second:
        first.say("hello")
        second.say("hello")
        found = launched(root, "time")
        assert {(each.identity.pid, each.slot) for each in found} == {
            (first.process.pid, "blue"),
            (second.process.pid, "green"),
        }
        assert all(abs(time.time() - each.started) < 600 for each in found)
        assert launched(root, "weather") == [] == launched(tmp_path, "time")
    assert launched(root) == []


def test_a_stop_ends_what_clients_started_from_one_slot(launchers: Launchers) -> None:
    for slot in ("blue", "green"):
        launchers.place(spec(slot, slot))
    with client(launchers.script("time", "blue")) as old, client(launchers.script("time", "green")) as new:
        old.say("hello")
        new.say("hello")
        assert launchers.stop("time", "blue", 5).how == "terminated"
        wait_for(lambda: old.process.poll() is not None, "the old one ended")
        assert new.say("hello")["version"] == "green"
    assert launchers.stop("time", "blue", 5).how == "already stopped"


def test_doing_it_again_writes_nothing(launchers: Launchers, effects: RecordingEffects) -> None:
    for _time in range(2):
        effects.acts.clear()
        launchers.place(spec("blue", "1.0"))
        launchers.point("time", "blue")
    assert effects.acts == []
    assert launchers.placed(spec("blue", "1.0")) and not launchers.placed(spec("blue", "1.1"))


def test_a_launcher_is_not_pointed_to_an_empty_slot(launchers: Launchers) -> None:
    launchers.place(spec("blue", "1.0"))
    launchers.point("time", "blue")
    with pytest.raises(FleetError, match="green"):
        launchers.point("time", "green")
    assert launchers.pointed("time") == "blue"


def test_wherever_a_switch_is_cut_off_clients_get_one_slot(launchers: Launchers, tmp_path: Path) -> None:
    launchers.place(spec("blue", "1.0"))
    launchers.place(spec("green", "2.0"))
    launchers.point("time", "blue")
    for cut in range(10):
        effects = RecordingEffects(cut)
        other = Launchers(effects, tmp_path / "the bin", SlotFiles(effects, tmp_path / "slots"), LAUNCHER)
        target = {"blue": "green", "green": "blue"}[launchers.pointed("time") or ""]
        try:
            other.point("time", target)
        except Cut:
            with client(launchers.link("time")) as started:
                assert started.say("hello")["version"] in ("1.0", "2.0")
            continue
        assert launchers.pointed("time") == target and cut > 1
        return


def test_a_removed_launcher_leaves_nothing(launchers: Launchers, tmp_path: Path) -> None:
    launchers.place(spec("blue", "1.0"))
    launchers.point("time", "blue")
    launchers.remove("time")
    assert launchers.pointed("time") is None
    assert os.listdir(tmp_path / "the bin") == os.listdir(tmp_path / "slots") == []
