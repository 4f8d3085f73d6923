# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lab are left out where it cannot be, and a line says so."""

from __future__ import annotations

import pytest

from tests.lab.obstacle import obstacle

_OBSTACLE = obstacle()
collect_ignore_glob = ["test_*.py"] if _OBSTACLE else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    if _OBSTACLE:
        terminalreporter.write_line(f"SKIPPED [lab] {_OBSTACLE}")
