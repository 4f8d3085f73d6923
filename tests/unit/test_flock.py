# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is frozen while it holds a lock of the whole host keeps no other waiting for ever."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit import trail
from ansible_collections.mcpops.fleet.plugins.module_utils.backup import store
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.collect import Collected
from ansible_collections.mcpops.fleet.plugins.module_utils.edge import edge
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.flock import held
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Record
from ansible_collections.mcpops.fleet.plugins.module_utils.update import ports, scratch
from tests.fault.histories.world import World
from tests.unit.backup.conftest import RECIPIENTS

FREEZE = (
    "import fcntl, os, signal, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX);"
    " os.kill(os.getpid(), signal.SIGSTOP)"
)


@contextmanager
def frozen(lock: Path) -> Iterator[int]:
    """A process that was stopped while it held a lock; gives its id."""
    with subprocess.Popen([sys.executable, "-c", FREEZE, str(lock)]) as process:
        try:
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def world() -> Iterator[World]:
    """A host that nobody else uses."""
    host = World()
    yield host
    host.close()


def change_the_edge(world: World) -> None:
    """As every switch does."""
    world.host(Effects(), print).edge.synchronise()


def give_out_ports(world: World) -> None:
    """As the first update of a server does."""
    ports.claim(world.host(Effects(), print), Record("box", ports=(1, 2)))


def try_a_release(world: World) -> None:
    """As a preview does."""
    with scratch.scratch(Effects(), world.root / "previews", "box"):
        pass


def make_a_backup(world: World) -> None:
    """As mcp_backup does."""
    nothing = Collected((), {}, {}, (), {}, "")
    store.Store(Effects(), world.root / "backups", "node1").make(nothing, RECIPIENTS)


def write_the_audit(world: World) -> None:
    """As every change does."""
    trail.Trail(Effects(), world.root / "audit").append({"time": "now", "event": "x"})


LOCKS: dict[Callable[[World], None], tuple[Any, str]] = {
    change_the_edge: (edge, "edge/.lock"),
    give_out_ports: (ports, "state/.ports.lock"),
    try_a_release: (scratch, "previews"),
    make_a_backup: (store, "backups/.lock"),
    write_the_audit: (trail, "audit/lock"),
}


@pytest.mark.parametrize("work", LOCKS, ids=lambda work: work.__name__)
def test_whoever_waits_for_a_frozen_run_gives_up_and_names_it(
    world: World, monkeypatch: pytest.MonkeyPatch, work: Callable[[World], None]
) -> None:
    module, name = LOCKS[work]
    monkeypatch.setattr(module, "_WAIT", 0.2)
    lock = world.root / name
    lock.parent.mkdir(exist_ok=True)
    lock.mkdir() if "lock" not in name else lock.touch()
    with frozen(lock) as pid:
        said = rf"lock {re.escape(str(lock))}: another run \(process {pid}\) has held it for the 0.2 s that"
        with pytest.raises(FleetError, match=f"{said}.*kill -CONT"):
            work(world)
    work(world)


def test_a_free_lock_is_taken_without_a_moments_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", pytest.fail)
    for _time in range(2):
        with held(tmp_path / "lock", 0):
            pass
