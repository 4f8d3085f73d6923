# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is a folder or an archive of the controller is updated like any other."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.converge import Converger
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import Outcome
from tests.support.content import bundle_of, make_folder
from tests.support.node import Node, raw_box, version


def update(node: Node, source: Path, number: str, **changes: Any) -> Outcome:
    """What the task mcp_update does: look at the content, ship it, and bring it into service."""
    made = bundle_of(source, node.root / "bundles", number)
    package = {"registry_type": "local", "identifier": str(source), "version": number}
    package["sha256"] = str(made.closure.package.sha256)
    raw = raw_box(node, number, **changes)
    definition = parse({**raw, "name": "box", "package": package})
    host = node.host()
    host = replace(host, releases=host.releases.shipped(made.path, registry=True))
    return Converger(host, definition, lock_timeout=20).present("settled", apply=True)


def test_an_edit_of_a_folder_is_a_new_release_that_can_be_gone_back_from(node: Node, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "box", "1.0.0")
    update(node, source, "1.0.0")
    assert version(node) == "1.0.0"
    assert not update(node, source, "1.0.0").plan.changes

    # The version in the definition stays; only the content is another.
    (source / "server.py").write_text("import fleet_test_server as it\n\nit.VERSION = 'edited'\nit.main()\n")
    outcome = update(node, source, "1.0.0")
    assert outcome.plan.changes
    assert version(node) == "edited"
    assert len(list((node.root / "releases" / "local" / "box").iterdir())) == 2

    node.converger(parse({**raw_box(node, "1.0.0")})).rolled_back(False, apply=True)
    assert version(node) == "1.0.0"


def test_an_archive_serves_as_the_folder_in_it_does(node: Node, tmp_path: Path) -> None:
    make_folder(tmp_path / "box-src", "2.0.0")
    with tarfile.open(tmp_path / "box.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "box-src", "box-2.0.0")
    update(node, tmp_path / "box.tar.gz", "2.0.0", command="server.py")
    assert version(node) == "2.0.0"


def test_a_folder_without_a_server_is_refused_and_says_what_to_write(node: Node, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "box", "1.0.0")
    update(node, source, "1.0.0")
    (source / "server.py").rename(source / "serve_it.py")
    with pytest.raises(FleetError, match="no program of its own.*Set `command:` to the file in it"):
        update(node, source, "1.0.0")
    assert version(node) == "1.0.0"
    update(node, source, "1.0.0", command="serve_it.py")
    assert version(node) == "1.0.0"


def test_content_does_not_tell_the_npm_that_installs_it_what_to_run(node: Node, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "box", "1.0.0")
    (source / "package.json").write_text('{"name": "box", "version": "1.0.0"}')
    (source / "package-lock.json").write_text('{"name": "box", "lockfileVersion": 3, "packages": {"": {}}}')
    (source / ".npmrc").write_text("git=./evil.sh\n")
    with pytest.raises(FleetError, match=r"it has an \.npmrc, which npm would follow.*Remove it"):
        update(node, source, "1.0.0")
    assert not (node.root / "state" / "box" / "journal.json").exists()
