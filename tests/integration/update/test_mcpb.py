# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of the MCP registry serves as its manifest says, and nothing of a tampered one is unpacked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome
from tests.support.client import modern_call
from tests.support.content import bundle_of, make_mcpb
from tests.support.node import Node, raw_box


def update(node: Node, source: Path, number: str, **changes: Any) -> Outcome:
    """What the task mcp_update does with a definition of this bundle."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    package = {"registry_type": "mcpb", "identifier": str(source), "version": number, "sha256": digest}
    definition = parse(
        {**raw_box(node, number, user_config={"words": "hello"}, **changes), "package": package}
    )
    made = bundle_of(source, node.root / "bundles", number, "mcpb")
    host = node.host()
    host = replace(host, releases=host.releases.shipped(made.path))
    return Converger(host, definition, lock_timeout=20).present("settled", apply=True)


def test_a_bundle_serves_with_its_own_modules_and_the_credentials_of_its_definition(
    node: Node, tmp_path: Path
) -> None:
    update(node, make_mcpb(tmp_path / "box-1.0.0.mcpb", tmp_path / "one", "1.0.0"), "1.0.0")
    number, pid, secret = modern_call(node.url(), "whoami").split()
    assert (number, secret) == ("1.0.0", "s3")
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    assert b"hello" in command and not any(b"s3cr3t" in word for word in command)

    second = make_mcpb(tmp_path / "box-2.0.0.mcpb", tmp_path / "two", "2.0.0")
    with pytest.raises(FleetError, match="user_config.secret of the bundle box: the bundle requires it"):
        update(node, second, "2.0.0", credentials=None)
    assert modern_call(node.url(), "whoami").split()[0] == "1.0.0"
    update(node, second, "2.0.0")
    assert modern_call(node.url(), "whoami").split()[0] == "2.0.0"
    assert len(list((node.root / "releases" / "mcpb" / "box").iterdir())) == 2


def test_a_bundle_that_was_changed_after_the_controller_made_it_is_refused_by_the_host(
    node: Node, tmp_path: Path
) -> None:
    source = make_mcpb(tmp_path / "box-1.0.0.mcpb", tmp_path / "one", "1.0.0")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    made = bundle_of(source, node.root / "bundles", "1.0.0", "mcpb")
    whole = made.path.read_bytes()
    spot = whole.index(b"manifest.json")
    made.path.write_bytes(whole[:spot] + b"manifest.jsoN" + whole[spot + 13 :])
    package = {"registry_type": "mcpb", "identifier": str(source), "version": "1.0.0", "sha256": digest}
    definition = parse({**raw_box(node, "1.0.0", user_config={"words": "hello"}), "package": package})
    host = node.host()
    host = replace(host, releases=host.releases.shipped(made.path))
    with pytest.raises(FleetError, match="is not what its lock file says it is"):
        Converger(host, definition, lock_timeout=20).present("settled", apply=True)
    assert not list((node.root / "releases").glob("mcpb/*/*"))
