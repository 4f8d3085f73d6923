# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests with real processes have in common.

Tests of the lab and of containers are left out, and named, where these cannot be.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.lab import obstacle as lab
from tests.support import container

_NEEDS = {"lab": lab.obstacle, "containers": container.obstacle}
"""Folders of tests, and what says why this machine cannot have what they need."""

_OF_FIRST_FLEET = ("test_credentials", "test_kinds", "test_lock", "test_ship", "test_update")
"""About half of the time that tests of the playbooks take."""

_FOLDER = Path(__file__).parent
_LACKS = pytest.StashKey[dict[str, str | None]]()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, but with a short name: HAProxy's sockets are in there, and have 97 characters."""
    return tmp_path_factory.mktemp("t")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs something that this machine has not."""
    for name in _NEEDS:
        if _FOLDER / name in (collection_path, collection_path.parent) and _lacks(config, name):
            return True
    return None


class _Shares(LoadFileScheduling):
    """Gives tests that share what they have made to one worker: those of one file, and those of the playbooks
    in two groups, because each group makes a whole fleet first.

    Not ``--dist=loadgroup``: with pytest 9.2 the marks of pytest-xdist 3.8 have no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(super()._split_scope(nodeid))
        return f"fleet {file.stem in _OF_FIRST_FLEET}" if file.parent.name == "playbooks" else str(file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """How tests are given to workers."""
    return _Shares(config, log)


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
    for name, reason in config.stash.get(_LACKS, {}).items():
        if reason:
            terminalreporter.write_line(f"SKIPPED [{name}] {reason}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist: looking installs packages, which only one process can do at a time."""
    node.workerinput["lacks"] = {name: _lacks(node.config, name) for name in _NEEDS}


def _lacks(config: pytest.Config, name: str) -> str | None:
    """Why a folder of tests cannot be run here; looked at once."""
    known = config.stash.setdefault(_LACKS, {})
    if name not in known:
        told: dict[str, Any] = getattr(config, "workerinput", {})
        known[name] = told["lacks"][name] if told else _NEEDS[name]()
    return known[name]
