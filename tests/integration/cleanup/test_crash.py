# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cleanup that is killed before any act has deleted nothing that is needed, and the next ends it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.query import open_changes
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.cleanup.cleaning import cleaned, foreseen
from tests.support.node import Node
from tests.support.releases import deployment, make_release, place, record

T = TypeVar("T")

VERSIONS = ("1.0.0", "3.0.0", "4.0.0")


class Killed(Effects):
    """Dies before the act of a number; ``names`` are the acts so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.names: list[str] = []

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        if len(self.names) == self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)
        return super().act(name, target, function)


def prepared(root: Path) -> tuple[Node, dict[str, Path]]:
    """A host with three releases, of which two are in service, and what an installation left."""
    node = place(root)
    packages = {version: Package("pypi", "box", version) for version in VERSIONS}
    paths = {version: make_release(root / "releases", package) for version, package in packages.items()}
    held = {version: deployment(packages[version], path) for version, path in paths.items()}
    record(node, "box", held["4.0.0"], held["3.0.0"])
    (paths["1.0.0"].parent / "5.0.0-0123456789ab" / "venv").mkdir(parents=True)
    return node, paths


def whole(path: Path) -> bool:
    """Whether all of a release is there."""
    names = {each.relative_to(path).as_posix() for each in path.rglob("*")}
    return names == {"manifest.json", "program", "lib", "lib/1", "lib/2"}


def test_a_cleanup_killed_before_any_act_is_ended_by_the_next(
    tmp_path: Path,
) -> None:
    node, paths = prepared(tmp_path / "whole")
    counted = Killed(-1)
    cleaned(node, effects=counted)
    assert {"rename", "rmdir", "unlink"} <= set(counted.names) and len(counted.names) > 20
    for number in range(len(counted.names)):
        node, paths = prepared(tmp_path / str(number))
        child = os.fork()
        if child == 0:
            cleaned(node, effects=Killed(number))
            os._exit(0)
        _id, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, counted.names[number]
        releases = node.host().releases
        found = {each.package.version for each in releases.all()}
        assert {"3.0.0", "4.0.0"} <= found <= set(VERSIONS), counted.names[number]
        # What is not away yet is as it was.
        assert all(whole(each.path) for each in releases.all()), counted.names[number]

        plan = foreseen(node) if number % 10 == 0 else None
        done = cleaned(node)
        assert plan is None or set(plan.freed) == set(done.freed), counted.names[number]
        assert {each.package.version for each in releases.all()} == {"3.0.0", "4.0.0"}
        assert all(whole(paths[version]) for version in ("3.0.0", "4.0.0"))
        assert releases.tombs.waiting() == [] and releases.incomplete() == []
        chain = check(node.host().trail.parts())
        # Killed before its very last line it had nothing left to do, and the next one nothing to tell.
        last = number == len(counted.names) - 1
        assert chain.problems == () and len(open_changes(chain.lines)) == last, counted.names[number]
        Effects().remove_tree(tmp_path / str(number))
    shutil.rmtree(tmp_path, ignore_errors=True)
