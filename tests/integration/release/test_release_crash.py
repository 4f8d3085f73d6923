# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation that is killed leaves nothing that looks like a release, and the next one finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.release.place import (
    MEMORY,
    SHARED_CACHE,
    TIME,
    CountedEffects,
    answer,
    import_path,
    processes_in,
    releases,
    tree_of,
)
from tests.integration.release.registry import Registry
from tests.support.waiting import wait_for

T = TypeVar("T")

INSTALL = (
    "import sys; from pathlib import Path; from tests.integration.release.place import *\n"
    "releases(Path(sys.argv[1]), SHARED_CACHE).install({package!r}, timeout=300)\n"
)


def start(package: Package, root: Path) -> subprocess.Popen[bytes]:
    """An installation in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL.format(package=package), str(root)],
        env={**os.environ, "PYTHONPATH": import_path()},
    )


@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_an_installation_killed_while_files_are_written_is_done_anew(
    package: Package, root: Path, tmp_path: Path
) -> None:
    host = releases(root, SHARED_CACHE)
    process = start(package, root)
    try:
        wait_for(lambda: len([*root.rglob("*.py"), *root.rglob("*.js")]) > 50, "it writes", pause=0.005)
        assert process.poll() is None, "it ended before it could be killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert host.find(package) is None
    assert host.all() == []

    wait_for(lambda: not processes_in(root), "its processes end")
    left = tree_of(root)
    assert len(left) > 50
    assert len(host.incomplete()) == 1
    time.sleep(0.2)
    assert tree_of(root) == left, "no orphan still writes"

    release = host.install(package, timeout=300)
    assert host.find(package) == release
    assert host.all() == [release]
    assert host.incomplete() == []
    assert '"serverInfo"' in answer(host.command(release), tmp_path)


class KilledEffects(CountedEffects):
    """The real host, on which the process dies before the act of a number; ``names`` are the acts so far."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.names: list[str] = []

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        if len(self.names) == self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)
        return super().act(name, target, function)


def test_an_installation_killed_before_an_act_of_any_kind_is_done_anew(
    root: Path, tmp_path: Path, registry: Registry
) -> None:
    package, cache = Package("pypi", "good-server", "1.0.0"), tmp_path / "cache"
    releases(root / "first", cache).install(package, timeout=60)
    whole = KilledEffects(-1)
    releases(root / "whole", cache, whole).install(package, timeout=60)
    last = {name: number for number, name in enumerate(whole.names)}
    runs = {number for number, name in enumerate(whole.names) if name == "run"}
    for number in sorted(runs.union(last.values())):
        place = root / str(number)
        child = os.fork()
        if child == 0:
            releases(place, cache, KilledEffects(number)).install(package, timeout=60)
            os._exit(0)
        _id, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, whole.names[number]

        host = releases(place, cache)
        found = host.find(package)
        release = host.install(package, timeout=60)
        assert found in (None, release)
        assert host.all() == [release]
        assert host.incomplete() == []
