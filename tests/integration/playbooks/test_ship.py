# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases come from the controller, and a host that none fits stops the rollout before it begins."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.integration.playbooks.conftest import CACHE
from tests.integration.playbooks.fleet import NODES, Fleet
from tests.support.wheels import IDENTIFIER

NOWHERE = {"UV_INDEX_URL": "http://127.0.0.1:9/simple"}


@pytest.fixture(scope="module")
def shipped(
    tmp_path_factory: pytest.TempPathFactory, packages: dict[str, str], prepared: None
) -> Iterator[Fleet]:
    """A fleet whose hosts got their releases from the controller."""
    root = tmp_path_factory.mktemp("s")
    fleet = Fleet(
        root, packages, CACHE, mcp_release_source="controller", mcp_release_folder=f"{root}/bundles"
    )
    try:
        fleet.run("site").succeeded()
        yield fleet
    finally:
        fleet.close()


def manifests(fleet: Fleet) -> list[dict[str, str]]:
    """The manifests of every host's releases."""
    return [
        json.loads(path.read_text())
        for node in NODES
        for path in sorted((fleet.root / node / "releases").glob("pypi/*/*/manifest.json"))
    ]


def test_a_host_that_no_bundle_fits_is_named_before_the_first_change(shipped: Fleet) -> None:
    run = shipped.run("update", box_version="9.9.9").failed()
    assert "node3: bundle pypi fleet-test-server 9.9.9" in run.output
    assert "Stage and prove" not in run.output
    assert all(shipped.serves(node) == "1.0.0" for node in NODES)


def test_a_check_with_diff_shows_how_the_tools_of_a_release_that_is_to_be_shipped_change_and_leaves_nothing(
    shipped: Fleet,
) -> None:
    had = manifests(shipped)
    run = shipped.run("update", "--limit", "node1", "--check", "--diff", box_version="2.13.0").succeeded()
    assert "breaking: tool whoami: argument who: is required now" in run.output
    assert "the update would be stopped" in run.output
    assert manifests(shipped) == had and shipped.serves("node1") == "1.0.0"
    assert not list((shipped.root / "node1" / "releases" / ".preview").glob("*"))
    for path in (shipped.root / "bundles").glob("*2.13.0*"):
        path.unlink()


def test_a_fleet_is_shipped_one_bundle_and_every_host_has_the_same_release(shipped: Fleet) -> None:
    assert [path.suffix for path in (shipped.root / "bundles").glob("*") if path.is_file()] == [".tar"]
    assert len(manifests(shipped)) == len(NODES)
    assert {(made["source"], made["digest"]) for made in manifests(shipped)} == {
        ("controller", manifests(shipped)[0]["digest"])
    }
    again = shipped.run("update").succeeded()
    assert all(counts["changed"] == 0 for counts in again.recap.values())

    # A bundle that is there is enough: then neither the controller nor a host asks for anything.
    prepared = shipped.root / "prepare.yml"
    package = {"registry_type": "pypi", "identifier": IDENTIFIER, "version": "2.0.0"}
    task = {"mcpops.fleet.mcp_release": {"package": package, "folder": "{{ mcp_release_folder }}"}}
    prepared.write_text(yaml.safe_dump([{"hosts": "node1", "gather_facts": False, "tasks": [task]}]))
    shipped.run(str(prepared)).succeeded()
    shipped.environment = {
        name: value for name, value in shipped.environment.items() if not name.startswith("UV_")
    } | NOWHERE
    shipped.run("update", box_version="2.0.0").succeeded()
    assert all(shipped.serves(node) == "2.0.0" for node in NODES)
    assert len({made["digest"] for made in manifests(shipped)}) == 2
    for node in NODES:
        assert not list((shipped.root / node).rglob("*.tar")), "no copy of a bundle stays"
