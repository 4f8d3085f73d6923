# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the slot tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.slot.node import Node, running
from tests.support.ports import free_ports


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node whose supervisord runs."""
    with running(tmp_path / "node") as started:
        yield started


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_ports(1)[0]
