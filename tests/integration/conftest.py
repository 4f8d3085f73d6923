# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests with real processes have in common. Tests of the lab are left out where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab.obstacle import obstacle

_LAB = Path(__file__).with_name("lab")
_NO_LAB = pytest.StashKey[str | None]()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, but with a short name: HAProxy's sockets are in there, and have 97 characters."""
    return tmp_path_factory.mktemp("t")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs a lab where there is none."""
    return True if _LAB in (collection_path, collection_path.parent) and _no_lab(config) else None


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """Name a test that fails at once: the dots of several workers do not say whose they are."""
    if not report.failed or not config.getoption("numprocesses", None):
        return None
    kind = "failed" if report.when == "call" else "error"
    return kind, f"\n{kind.upper()} {report.nodeid}\n", kind.upper()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out."""
    if reason := config.stash.get(_NO_LAB, None):
        terminalreporter.write_line(f"SKIPPED [lab] {reason}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist: looking installs packages, which only one process can do at a time."""
    node.workerinput["no_lab"] = _no_lab(node.config)


def _no_lab(config: pytest.Config) -> str | None:
    if _NO_LAB not in config.stash:
        told: dict[str, str | None] = getattr(config, "workerinput", {})
        config.stash[_NO_LAB] = told["no_lab"] if told else obstacle()
    return config.stash[_NO_LAB]
