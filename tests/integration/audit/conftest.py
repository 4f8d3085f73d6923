# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of a whole node with wheels of the test server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import wheels
from tests.support.node import Node


@pytest.fixture
def node(tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A running node that installs from these wheels alone."""
    for name, value in wheels.environment(packages).items():
        monkeypatch.setenv(name, value)
    cache = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))
    with Node(tmp_path / "node", cache) as running:
        yield running
