# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets for tests of the playbooks: one that many tests share, and empty ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.playbooks.fleet import NODES, Fleet
from tests.support import wheels

CACHE = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which uv finds the test server, and nothing else."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels.make_wheels(folder)
    return wheels.environment(folder)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The runtime that all fleets share; it comes from the registry, servers do not."""
    fleet = Fleet(tmp_path_factory.mktemp("r"), {}, CACHE)
    try:
        fleet.run(
            "site", "--limit", "node1", "--tags", "host_preflight,host_folders,host_runtime"
        ).succeeded()
        yield
    finally:
        fleet.close()


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, packages: dict[str, str], prepared: None
) -> Iterator[Fleet]:
    """A fleet that ``site`` has deployed."""
    fleet = Fleet(tmp_path_factory.mktemp("f"), packages, CACHE)
    try:
        fleet.deployment = fleet.run("site").succeeded()
        yield fleet
    finally:
        fleet.close()


@pytest.fixture
def deployed(shared: Fleet) -> Iterator[Fleet]:
    """The shared fleet, with release 1.0.0 in service everywhere as it was deployed, and its inventory."""
    moved = [node for node in NODES if not shared.is_as_deployed(node)]
    if moved:
        options = ("--limit", ",".join(moved))
        restored = shared.run("update", *options, mcp_update_waves=["100%"])
        if restored.rc != 0:
            shared.run("site", *options, mcp_update_waves=["100%"]).succeeded()
    with shared.changed():
        yield shared


@pytest.fixture
def empty(tmp_path: Path, packages: dict[str, str], prepared: None) -> Iterator[Fleet]:
    """A fleet on which nothing was done yet."""
    fleet = Fleet(tmp_path, packages, CACHE)
    try:
        yield fleet
    finally:
        fleet.close()
