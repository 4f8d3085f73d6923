# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launch program, run for real."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec

PROGRAM = Path(__file__).parents[3] / "roles/host/files/mcp-launch"
FACTS = "[sys.argv[1:], dict(os.environ), os.getcwd(), os.umask(0)]"
SHOW = f"import json, os, sys; print(json.dumps({FACTS}))"


@pytest.fixture
def launch(tmp_path: Path) -> Path:
    """The launch file of a slot that was never written."""
    return SlotFiles(Effects(), tmp_path).launch("time", "blue")


def run(launch: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(launch), *more]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30, check=False)


def write(launch: Path, *argv: str, **more: Any) -> None:
    values = {"environment": {}, "credentials": {}, "directory": "/", "stop_timeout": 1.0, **more}
    SlotFiles(Effects(), launch.parents[2]).write(SlotSpec("time", "blue", argv, **values))


def shown(launch: Path, *more: str, **variables: str) -> tuple[list[str], dict[str, str], str, int]:
    done = run(launch, *more, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    argv, environment, directory, umask = json.loads(done.stdout)
    return argv, environment, directory, umask


def python(*arguments: str) -> tuple[str, ...]:
    return sys.executable, "-X", "utf8", "-I", "-S", "-c", SHOW, *arguments


def test_the_server_takes_the_place_of_the_launch_program(launch: Path) -> None:
    write(launch, "/bin/sh", "-c", "echo $$; exit 7")
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(launch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output, _errors = process.communicate(timeout=30)
    assert (process.returncode, int(output)) == (7, process.pid)


def test_arguments_of_a_client_follow_those_of_the_definition(launch: Path) -> None:
    write(launch, *python("ours", "ü"))
    argv, _environment, directory, umask = shown(launch, "theirs", "a b", "", "ö")
    assert argv == ["ours", "ü", "theirs", "a b", "", "ö"]
    assert (directory, umask) == ("/", 0o077)


def test_a_later_layer_of_the_environment_wins(launch: Path) -> None:
    write(launch, *python(), environment={"A": "1", "B": "1"}, credentials={"B": "2", "MCP_FLEET_SLOT": "x"})
    _argv, environment, _directory, _umask = shown(
        launch, A="0", C="0", PATH="/p", HOME="/h", LANG="C.UTF-8", TMPDIR="/t"
    )
    base = {"PATH": "/p", "HOME": "/h", "LANG": "C.UTF-8", "TMPDIR": "/t"}
    own = {"MCP_FLEET_SLOT": "time/blue", "MCP_FLEET_SLOTS": str(launch.parents[2])}
    assert re.fullmatch(rf"{os.getpid()}:[0-9]+", environment.pop("MCP_FLEET_CLIENT"))
    assert environment == {**base, **own, "A": "1", "B": "2"}


def test_a_stdio_server_gets_the_environment_and_the_folder_of_its_client(launch: Path) -> None:
    write(launch, *python(), environment={"A": "1"}, directory="", inherit_environment=True)
    _argv, environment, directory, _umask = shown(launch, A="0", C="0")
    assert (environment["A"], environment["C"], directory) == ("1", "0", os.getcwd())


def test_without_a_path_there_is_a_usual_one(launch: Path) -> None:
    write(launch, *python())
    assert shown(launch)[1]["PATH"] == "/usr/local/bin:/usr/bin:/bin"


@pytest.mark.parametrize("mode", ["utf8=1", "utf8=0"])
def test_text_arrives_as_utf_8_in_every_locale(launch: Path, mode: str) -> None:
    write(launch, "/bin/sh", "-c", 'printf "%s %s" "$1" "$TOKEN"', "sh", "ü🌍", credentials={"TOKEN": "ß"})
    command = [sys.executable, "-X", mode, "-I", "-S", str(PROGRAM), str(launch)]
    done = subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, timeout=30, check=False)
    assert (done.stdout.decode(), done.stderr) == ("ü🌍 ß", b"")


def test_signals_that_python_ignores_work_in_the_server(launch: Path) -> None:
    write(launch, "/bin/sh", "-c", "kill -PIPE $$; echo survived")
    done = run(launch)
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "")


def test_without_a_supervisor_other_processes_of_the_slot_are_left_alone(launch: Path) -> None:
    write(launch, "/bin/cat")
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(launch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert run(launch).returncode == 0
        assert first.poll() is None
        assert first.communicate(b"still here", timeout=30)[0] == b"still here"


def test_a_server_whose_supervisor_has_ended_already_is_not_started(launch: Path) -> None:
    write(launch, "/bin/echo", "started")
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--die-with-supervisor", str(launch)]
    for ended in (False, True):
        reader, writer = os.pipe()
        if ended:
            os.close(writer)
        done = subprocess.run(command, stdin=reader, capture_output=True, text=True, timeout=30, check=False)
        os.close(reader)
        if not ended:
            os.close(writer)
        assert (done.returncode, done.stdout) == ((78, "") if ended else (0, "started\n"))


def test_a_missing_server_is_named(launch: Path) -> None:
    write(launch, "/nowhere/server")
    done = run(launch)
    assert done.returncode == 127
    assert done.stderr == "mcp-launch: cannot execute /nowhere/server: no such file\n"


def test_a_server_that_may_not_be_executed_is_named(launch: Path, tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\n")
    write(launch, str(server))
    done = run(launch)
    assert (done.returncode, done.stderr.count("\n")) == (126, 1)
    assert f"{server}: Permission denied" in done.stderr


def test_a_server_whose_interpreter_is_gone_says_so(launch: Path, tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.write_text("#!/nowhere/python\n")
    server.chmod(0o755)
    write(launch, str(server))
    done = run(launch)
    assert done.returncode == 126
    assert "first line" in done.stderr


def test_a_missing_launch_file_or_folder_is_named(launch: Path) -> None:
    done = run(launch)
    assert (done.returncode, done.stderr) == (
        78,
        f"mcp-launch: cannot read {launch}: No such file or directory\n",
    )
    write(launch, "/bin/true", directory="/nowhere")
    done = run(launch)
    assert (done.returncode, done.stderr) == (
        78,
        "mcp-launch: cannot work in /nowhere: No such file or directory\n",
    )


@pytest.mark.parametrize(
    "credentials",
    ["", "{", "[]", "s3cret", '{"TOKEN": 5}', '{"TO=KEN": "s3cret"}', '{"TOKEN": "s3cret\\ud800"}'],
)
def test_credentials_that_make_no_sense_are_not_printed(launch: Path, credentials: str) -> None:
    write(launch, "/bin/true")
    (launch.parent / "credentials.json").write_text(credentials)
    done = run(launch)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1)
    assert "makes no sense" in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("text", ["", "{}", "null", '{"argv": []}'])
def test_a_launch_file_that_makes_no_sense_is_named(launch: Path, text: str) -> None:
    write(launch, "/bin/true")
    launch.write_text(text)
    done = run(launch)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert str(launch) in done.stderr


def test_without_a_launch_file_it_says_what_it_wants() -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (78, "mcp-launch: give it the path of a launch.json\n")


def test_a_container_runs_as_the_owner_of_its_working_directory(launch: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write(launch, *python("--user={owner}", "--x={owner}"), directory=str(folder), container=True)
    assert shown(launch)[0] == [f"--user={folder.stat().st_uid}:{folder.stat().st_gid}", "--x={owner}"]


def test_only_a_containers_arguments_are_looked_at(launch: Path) -> None:
    write(launch, *python("--user={owner}"))
    assert shown(launch)[0] == ["--user={owner}"]
