# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new release may change: the gate before the switch, and the look ahead that changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from ansible_collections.mcpops.fleet.plugins.plugin_utils.credentials import apart
from tests.bench.module import PROGRAM, mcp_update
from tests.support.node import Node, raw_box, version
from tests.support.waiting import wait_for

DEMANDING, DESCRIBED, FLICKERING = "2.13.0", "2.14.0", "2.15.0"
"""Releases whose tools: demand an argument; say something else, some of it hidden; come and go."""


def contents(node: Node) -> set[Path]:
    """All files of the node but what its processes write."""
    return {
        path for path in node.root.rglob("*") if path.relative_to(node.root).parts[0] not in ("logs", "run")
    }


def started_from(folder: str) -> list[str]:
    """The command lines of running processes in which a folder is named."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        found += [line] if folder in line else []
    return found


def test_a_release_that_demands_more_is_stopped_until_its_contract_is_approved(node: Node) -> None:
    node.update("1.0.0")
    with pytest.raises(UpdateFailed) as caught:
        node.update(DEMANDING)
    contract = caught.value.outcome.to_json()["contract"]
    assert version(node) == "1.0.0"
    assert contract["verdict"] == "breaking"
    assert contract["breaking"] == ["tool whoami: argument who: is required now"]
    assert f"add {contract['digest']} to update.approved" in str(caught.value)
    with pytest.raises(UpdateFailed):
        node.update(DEMANDING, update={"approved": ["sha256:" + "0" * 64]})
    outcome = node.update(DEMANDING, update={"approved": [contract["digest"]]}).to_json()
    assert (version(node), outcome["contract"]["verdict"]) == (DEMANDING, "breaking")


def test_what_clients_rely_on_is_required_of_a_first_release_too(node: Node) -> None:
    wanted = {"whoami": {"input": {"type": "object", "properties": {"who": {"type": "string"}}}}}
    with pytest.raises(
        UpdateFailed, match=r"whoami is not what require\.schemas wants: argument who: is gone"
    ):
        node.update("1.0.0", require={"schemas": wanted})
    node.update("1.0.0", require={"schemas": {"whoami": {"input": {"type": "object"}}}})
    assert version(node) == "1.0.0"


def test_other_words_stop_an_update_or_are_told_and_what_is_hidden_in_them_is_named(node: Node) -> None:
    node.update("1.0.0")
    with pytest.raises(UpdateFailed, match=r"hidden characters in description: U\+202E"):
        node.update(DESCRIBED, update={"on_description": "stop"})
    assert version(node) == "1.0.0"
    result, _seconds = mcp_update(node.config, raw_box(node, DESCRIBED))
    assert version(node) == DESCRIBED
    assert (result["contract"]["verdict"], len(result["warnings"])) == ("described differently", 1)
    assert "whoami: hidden characters in description: U+202E" in json.dumps(result["warnings"])
    assert "Says who<U+202E> it is." in json.dumps(result, ensure_ascii=False)
    assert "\u202e" not in json.dumps(result, ensure_ascii=False)


def test_a_server_whose_tools_come_and_go_is_not_taken(node: Node) -> None:
    node.update("1.0.0")
    with pytest.raises(UpdateFailed, match=r"changes from one look to the next: . tool slow is"):
        node.update(FLICKERING, update={"on_breaking": "allow", "ready_timeout": 10})
    assert version(node) == "1.0.0"


@pytest.mark.parametrize(
    "changes",
    [{}, {"transport": "stdio"}, {"transport": "stdio", "serve": "http", "update": {"ready_timeout": 20}}],
    ids=["http", "stdio", "bridged"],
)
def test_a_check_with_diff_shows_how_tools_change_and_leaves_nothing_behind(
    node: Node, changes: dict[str, Any]
) -> None:
    node.update("1.0.0", **changes)
    before = contents(node)
    look: dict[str, Any] = {"_ansible_check_mode": True, "_ansible_diff": True}
    result, _seconds = mcp_update(node.config, raw_box(node, DEMANDING, **changes), **look)
    assert contents(node) == before
    assert not started_from(DEMANDING)
    assert "breaking: tool whoami: argument who: is required now" in result["diff"]["after"]
    assert '    required: ["who"]' in result["diff"]["after"].splitlines()
    assert '    required: ["who"]' not in result["diff"]["before"].splitlines()
    assert "the update would be stopped" in json.dumps(result["warnings"])
    del result["invocation"]
    assert "s3cr3t-value" not in json.dumps(result)
    wanting = raw_box(node, "2.0.0", **{**changes, "require": {"tools": ["fly"]}})
    result, _seconds = mcp_update(node.config, wanting, **look)
    assert "would be stopped: it lacks the required tool fly" in json.dumps(result["warnings"])
    result, _seconds = mcp_update(node.config, raw_box(node, "2.2.0", **changes), **look)
    assert "cannot open the database" in result["diff"]["after"]
    result, _seconds = mcp_update(node.config, raw_box(node, "2.0.0", **changes), _ansible_check_mode=True)
    assert result["contract"] is None
    assert contents(node) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_look_ahead_that_is_interrupted_leaves_nothing_that_lasts(
    node: Node, number: signal.Signals
) -> None:
    definition = raw_box(node, "2.3.0", update={"ready_timeout": 60})
    options = {
        "server": definition,
        "config": str(node.config),
        "_ansible_check_mode": True,
        "_ansible_diff": True,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell's background jobs, as this test may be one, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(apart(options)).encode())
    process.stdin.close()
    scratch = node.root / "releases" / ".preview"
    wait_for(lambda: started_from(f"{scratch}/"), "the release is tried")
    time.sleep(1)
    os.kill(process.pid, number)
    process.wait(30)
    if number == signal.SIGKILL:
        # Nobody was left to clean up: the next one does.
        mcp_update(node.config, raw_box(node, "2.2.0"), _ansible_check_mode=True, _ansible_diff=True)
    assert not started_from(f"{scratch}/")
    assert not scratch.exists()
