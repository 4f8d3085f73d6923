# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stdio servers: new starts of the launcher get the new release, what runs finishes on its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import ProbeReport
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import Target
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.info import servers_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.node import Node, box


@contextmanager
def client(node: Node) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [str(node.root / "bin" / "box")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


def version(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None and process.stdout is not None
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    return str(json.loads(process.stdout.readline())["result"]["content"][0]["text"]).split()[0]


STDIO: dict[str, Any] = {"transport": "stdio"}


def test_a_running_client_finishes_on_its_release_and_the_next_gets_the_new_one(node: Node) -> None:
    node.update("1.0.0", **STDIO)
    with client(node) as running:
        assert version(running) == "1.0.0"
        node.update("2.0.0", **STDIO)
        assert version(running) == "1.0.0"
        with client(node) as started:
            assert version(started) == "2.0.0"
        [entry] = servers_of(node.host(), "box")
        assert {slot: item["sessions"] for slot, item in entry["slots"].items()} == {"blue": 1, "green": 0}


def test_a_stdio_release_that_is_no_good_never_reaches_the_launcher(node: Node) -> None:
    node.update("1.0.0", **STDIO)
    for bad in ("2.1.0", "2.2.0", "2.6.0"):
        with pytest.raises(UpdateFailed):
            node.update(bad, **STDIO)
        with client(node) as started:
            assert version(started) == "1.0.0"


def test_a_stdio_server_is_rolled_back_and_removed(node: Node) -> None:
    node.update("1.0.0", **STDIO)
    node.update("2.0.0", **STDIO)
    assert not node.update("2.0.0", **STDIO).to_json()["changed"]
    node.roll_back("2.0.0", **STDIO)
    with client(node) as running:
        assert version(running) == "1.0.0"
        node.converger(box(node, "1.0.0", **STDIO)).absent(apply=True)
        assert not (node.root / "bin" / "box").is_symlink()
        assert version(running) == "1.0.0"


def test_a_server_cannot_be_moved_from_launcher_to_edge_under_its_name(node: Node) -> None:
    node.update("1.0.0", **STDIO)
    with pytest.raises(FleetError, match="a name of its own"):
        node.update("2.0.0")
    with client(node) as started:
        assert version(started) == "1.0.0"


def test_a_server_is_started_again_only_for_eras_that_it_serves(node: Node) -> None:
    asked: list[tuple[str, ...]] = []

    def probed(target: Target, **how: Any) -> ProbeReport:
        report = probe(target, **how)
        asked.append(report.asked)
        return report

    host = node.host()
    host = replace(host, senses=replace(host.senses, probe=probed))
    legacy_only = "2.6.0"
    Converger(host, box(node, legacy_only, **STDIO), 5).present("settled", apply=True)
    assert asked == [("modern", "legacy"), ("legacy",)]
