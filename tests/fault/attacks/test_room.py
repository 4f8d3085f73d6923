# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host without room: what serves goes on serving, the error says what to free, and the next run goes on."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.node import Node, box, version

T = TypeVar("T")


def occupied(node: Node) -> list[str]:
    """The slots in which a process is."""
    return [slot for slot in ("blue", "green") if node.host().driver.status("box", slot).pid]


@pytest.fixture
def crowded(small_disk: Path) -> Iterator[Node]:
    """A node with the first version of the test server on the small disk, its cache included."""
    with Node(small_disk / "node", small_disk / "cache", session_idle=2) as running:
        running.update("1.0.0")
        yield running


def fill(disk: Path, left: int) -> Path:
    """Take all space but so many bytes."""
    ballast = disk / "ballast"
    space = os.statvfs(disk)
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, space.f_bavail * space.f_frsize - left))
    return ballast


class Filling(Effects):
    """Fills a disk just before the first (second, …) act that begins so, as another program would."""

    def __init__(self, begin: str, fill: Callable[[], object], number: int = 1) -> None:
        self._begin = begin
        self._fill = fill
        self._left = number

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform an act, on a full disk from the chosen one on."""
        if f"{name} {target}".startswith(self._begin):
            self._left -= 1
            if self._left == 0:
                self._fill()
        return super().act(name, target, function)


def test_a_full_disk_is_told_before_anything_is_done(crowded: Node, small_disk: Path) -> None:
    ballast = fill(small_disk, left=2**20)
    with pytest.raises(UpdateFailed) as caught:
        crowded.update("2.0.0")
    assert "the disk has no room" in str(caught.value) and "Free space" in str(caught.value)
    assert version(crowded) == "1.0.0"
    ballast.unlink()
    crowded.update("2.0.0")
    assert version(crowded) == "2.0.0"


@pytest.mark.parametrize(
    "begin", ["syncfs", "create {root}/slots", "slot.start", "create {root}/state/box/journal.json", "edge"]
)
def test_a_disk_that_fills_up_in_the_middle_leaves_the_old_version_serving_and_the_next_run_goes_on(
    crowded: Node, small_disk: Path, begin: str
) -> None:
    effects = Filling(begin.format(root=crowded.root), lambda: fill(small_disk, left=0))
    with pytest.raises(FleetError) as caught:
        crowded.converger(box(crowded, "2.0.0"), effects).present("settled", apply=True)
    assert "the disk has no room" in str(caught.value) and "df -h" in str(caught.value), str(caught.value)
    assert version(crowded) == "1.0.0"
    (small_disk / "ballast").unlink()
    crowded.update("2.0.0")
    assert (version(crowded), occupied(crowded)) == ("2.0.0", [crowded.host().journal.load("box").active])
    assert not crowded.update("2.0.0").to_json()["changed"]


@pytest.mark.parametrize(
    ("operation", "number"),
    [("update", 4), ("update", 5), ("update", 7), ("rollback", 1), ("rollback", 3), ("rollback", 5)],
)
def test_a_disk_that_fills_up_after_the_switch_or_on_the_way_back_leaves_a_proven_version_serving(
    crowded: Node, small_disk: Path, operation: str, number: int
) -> None:
    """The journal's fourth state of an update is that it has switched; a way back writes it as it goes."""
    if operation == "rollback":
        crowded.update("2.0.0")
    journal = f"create {crowded.root}/state/box/journal.json"
    effects = Filling(journal, lambda: fill(small_disk, left=0), number)
    converger = crowded.converger(box(crowded, "2.0.0"), effects)
    try:
        if operation == "update":
            converger.present("settled", apply=True)
        else:
            converger.rolled_back(unfinished_only=False, apply=True)
    except FleetError as error:
        assert "no room" in str(error), error
    else:
        assert not (small_disk / "ballast").exists(), "it was done on a full disk"
    assert version(crowded) in ("1.0.0", "2.0.0")
    (small_disk / "ballast").unlink(missing_ok=True)
    crowded.update("2.0.0")
    assert (version(crowded), occupied(crowded)) == ("2.0.0", [crowded.host().journal.load("box").active])


def test_without_inodes_it_says_so_and_the_next_run_goes_on(crowded: Node, small_disk: Path) -> None:
    taken = small_disk / "taken"
    taken.mkdir()
    with pytest.raises(OSError, match="No space"):
        for number in range(20_000):
            (taken / str(number)).touch()
    with pytest.raises(FleetError) as caught:
        crowded.update("2.0.0")
    assert "inodes" in str(caught.value)
    assert version(crowded) == "1.0.0"
    for path in taken.iterdir():
        path.unlink()
    crowded.update("2.0.0")
    assert version(crowded) == "2.0.0"


def test_on_a_read_only_disk_it_says_so_and_the_next_run_goes_on(crowded: Node, small_disk: Path) -> None:
    # Only a filesystem that nobody writes to can be made read-only; a bind mount can always.
    subprocess.run(["mount", "--bind", str(small_disk), str(small_disk)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(small_disk)], check=True)
        with pytest.raises(FleetError) as caught:
            crowded.update("2.0.0")
        assert "read-only" in str(caught.value).lower() and "writable" in str(caught.value)
        assert version(crowded) == "1.0.0"
    finally:
        subprocess.run(["umount", "--lazy", str(small_disk)], check=True)
    crowded.update("2.0.0")
    assert version(crowded) == "2.0.0"


@contextmanager
def limited(pid: int, kind: int, value: int) -> Iterator[None]:
    """A lower soft limit for a process and all it starts, for a while."""
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (value, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(resource.RLIMIT_AS, 24 * 2**20), (resource.RLIMIT_NOFILE, 12)],
    ids=["memory", "files"],
)
def test_a_process_that_gets_no_memory_or_files_is_given_up_and_the_next_run_goes_on(
    node: Node, unnoticed: Callable[[], Any], kind: int, value: int
) -> None:
    with unnoticed():
        with limited(node.supervisor(), kind, value), pytest.raises(FleetError) as caught:
            node.update("2.0.0", update={"ready_timeout": 4})
        assert caught.value.cure
        assert version(node) == "1.0.0"
        node.update("2.0.0")
    assert version(node) == "2.0.0"


def test_a_run_that_may_open_no_more_files_says_so_and_the_next_one_goes_on(node: Node) -> None:
    host_error: list[FleetError] = []
    for limit in (8, 12, 16, 20):
        with limited(os.getpid(), resource.RLIMIT_NOFILE, len(os.listdir("/proc/self/fd")) + limit - 8):
            try:
                node.update("2.0.0")
            except FleetError as error:
                host_error.append(error)
        assert version(node) in ("1.0.0", "2.0.0")
    assert host_error and "no more files can be opened" in str(host_error[0]), host_error
    assert os.strerror(errno.EMFILE) in str(host_error[0])
    node.update("2.0.0")
    assert (version(node), node.host().journal.load("box").transaction) == ("2.0.0", None)
