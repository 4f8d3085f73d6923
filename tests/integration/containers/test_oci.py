# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images run by a real podman, built from a folder: proven, switched and gone back from like any server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server import ServerDefinition
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from tests.support.client import modern_call
from tests.support.container import Containers
from tests.support.node import Node, command_line, environment_of, raw_box, version


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """A store with two versions of the test server."""
    store = Containers(tmp_path_factory.mktemp("c"))
    for number in ("1.0.0", "2.0.0"):
        store.build_server(number)
    yield store
    store.podman("rm", "--all", "--force", "--time", "0")


@pytest.fixture
def node(tmp_path: Path, containers: Containers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A running node whose podman has this store."""
    for name, value in containers.environment.items():
        monkeypatch.setenv(name, value)
    cache = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))
    with Node(tmp_path / "node", cache) as running:
        yield running


def image(node: Node, containers: Containers, number: str, **package: Any) -> ServerDefinition:
    """The definition of an image of the test server."""
    raw = raw_box(node, number, environment=containers.environment)
    own = {"registry_type": "oci", "identifier": "localhost/box", "version": number, **package}
    return parse({**raw, "package": own})


def update(node: Node, definition: ServerDefinition) -> None:
    node.converger(definition).present("settled", apply=True)


def test_an_image_is_updated_and_gone_back_from_and_its_credentials_are_in_no_command_line(
    node: Node, containers: Containers
) -> None:
    update(node, image(node, containers, "1.0.0"))
    assert version(node) == "1.0.0"
    first = node.host().driver.status("box", "blue").pid
    assert first is not None and b"podman\0run" in command_line(first)
    assert environment_of(first)["SECRET"] == "s3cr3t-value"
    assert not node.converger(image(node, containers, "1.0.0")).present("settled", apply=True).plan.changes

    update(node, image(node, containers, "2.0.0"))
    number, _pid, secret = modern_call(node.url(), "whoami").split()
    assert (number, secret) == ("2.0.0", "s3")
    everything = [command_line(int(pid)) for pid in os.listdir("/proc") if pid.isdigit()]
    assert not any(b"s3cr3t-value" in line for line in everything)
    # The old slot's container has ended with its podman.
    assert len(containers.podman("ps", "--quiet").stdout.split()) == 1

    node.converger(image(node, containers, "2.0.0")).rolled_back(False, apply=True)
    assert version(node) == "1.0.0"
    node.converger(image(node, containers, "1.0.0")).absent(apply=True)
    assert containers.podman("ps", "--quiet").stdout.split() == []


def test_an_image_that_is_not_the_pinned_one_is_not_started(node: Node, containers: Containers) -> None:
    digest = containers.podman("image", "inspect", "--format", "{{.Digest}}", "localhost/box:1.0.0")
    update(node, image(node, containers, digest.stdout.strip(), version=digest.stdout.strip()))
    assert version(node) == "1.0.0"
    with pytest.raises(FleetError, match="its digest is sha256:.*and sha256:0000"):
        update(node, image(node, containers, "2.0.0", sha256="0" * 64))
    assert version(node) == "1.0.0"


def test_a_host_without_podman_is_told_how_to_get_it(node: Node, containers: Containers) -> None:
    host = node.host()
    layout = host.layout
    bare = Releases(host.effects, layout.releases, layout.cache, Tools())
    definition = image(node, containers, "1.0.0")
    converger = node.converger(definition)
    converger._host = replace(host, releases=bare)
    with pytest.raises(FleetError, match="podman is needed, and this host has none. Install podman"):
        converger.present("settled", apply=True)
