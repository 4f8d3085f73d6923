# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import wheels


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: the test server in versions good and bad."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels.make_wheels(folder)
    return folder
