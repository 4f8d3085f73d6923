# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A credential is in the server's environment and in one file that only its user can read: nowhere else."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.playbooks.fleet import SECRET, Fleet, files_holding
from tests.support.client import modern_call

OTHER = "an0ther-s3cr3t"


def watch_command_lines(seen: set[str], done: threading.Event) -> None:
    """Collect the command lines of this machine that hold the secret."""
    while not done.is_set():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = path.read_bytes()
                if OTHER.encode() in line:
                    seen.add(line.replace(b"\0", b" ").decode(errors="replace"))
        done.wait(0.02)


def test_a_credential_is_handed_over_and_shows_nowhere(deployed: Fleet) -> None:
    node = deployed.root / "node2"
    seen, done = set[str](), threading.Event()
    watcher = threading.Thread(target=watch_command_lines, args=(seen, done))
    watcher.start()
    credentials = {"SECRET": OTHER}
    try:
        with deployed.changed(
            "node2", mcp_servers=[{**deployed.variables["mcp_servers"][0], "credentials": credentials}]
        ):
            update = deployed.run("update", "-vvv", "--diff", "--limit", "node2").succeeded()
            bad = deployed.run("update", "-vvv", "--diff", "--limit", "node2", box_version="2.2.0").failed()
            role = deployed.run_role("node2")
            health = deployed.run("health", "-vvv", "--limit", "node2").succeeded()
            held = files_holding(node, OTHER)
    finally:
        done.set()
        watcher.join()
    assert update.recap["node2"]["changed"] > 0
    assert modern_call(f"http://127.0.0.1:{deployed.ports['node2']}/box", "whoami").split()[2] == OTHER[:2]
    for run in (update, bad, role, health):
        assert OTHER not in run.output and SECRET not in run.output
    assert "Validating arguments" in role.output
    assert seen == set()
    assert {path.name for path in held} == {"credentials.json"}
    assert {path.stat().st_mode & 0o777 for path in held} == {0o600}
    assert files_holding(deployed.root / "ansible", OTHER) == []


@pytest.mark.parametrize("module", ["mcp_update", "mcp_health"])
@pytest.mark.parametrize("written", [dict, json.dumps], ids=["mapping", "text"])
def test_a_credential_within_a_definition_is_shown_by_no_module(
    module: str, written: Callable[[dict[str, Any]], Any]
) -> None:
    server = {"name": "box", "transport": "stdio", "credentials": {"SECRET": OTHER}}
    options = json.dumps({"config": "/nonexistent", "server": written(server)})
    argv = ["ansible", "localhost", "-vvv", "-m", f"mcpops.fleet.{module}", "-a", options]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert '"name": "box"' in run.stdout and "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.stdout
    assert OTHER not in run.stdout + run.stderr


def test_a_wrong_definition_is_complained_about_without_its_credentials(deployed: Fleet) -> None:
    servers = [{**deployed.variables["mcp_servers"][0], "credentials": {"SECRET": OTHER, "LIST": [OTHER]}}]
    with deployed.changed("node2", mcp_servers=servers):
        run = deployed.run("update", "-vvv", "--limit", "node2").failed()
    assert "credentials.LIST: it is not text" in run.output
    assert OTHER not in run.output
