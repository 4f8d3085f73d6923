# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node under the eyes of clients that notice everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.load.control import Load
from tests.load.options import Options, Target
from tests.support import wheels
from tests.support.node import Node

CACHE = Path(__file__).parents[3] / ".work" / "fault" / "cache"


@pytest.fixture
def place(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short name (sockets have their length) for a node that installs from these wheels."""
    for name, value in wheels.environment(packages).items():
        monkeypatch.setenv(name, value)
    folder = Path(tempfile.mkdtemp(prefix="mcp-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def node(place: Path) -> Iterator[Node]:
    """A running node with the first version of the test server."""
    with Node(place / "node", CACHE, session_idle=2) as running:
        running.update("1.0.0")
        yield running


@pytest.fixture
def unnoticed(node: Node) -> Callable[[], Any]:
    """A context in which clients of both eras may not notice anything."""

    @contextmanager
    def watched() -> Iterator[None]:
        target = Target("box", node.url(), ("legacy", "modern"), stateful=True)
        options = Options(
            (target,), legacy=2, modern=2, streams=1, think=0.1, session_seconds=0.5, stream_seconds=0.5
        )
        with Load.start(options) as load:
            load.until(lambda report: report["requests"] > 20)
            yield
            report = load.stop()
        noticed = (report["failed"], report["sessions"]["lost"], report["streams"]["cut"])
        assert noticed == (0, 0, 0), report["first_failures"]

    return watched


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A filesystem of its own, of 400 MB and 9000 inodes, in which a node can be. Needs root."""
    if os.geteuid() != 0:
        pytest.skip("a filesystem of its own needs root")
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,nr_inodes=9000", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
