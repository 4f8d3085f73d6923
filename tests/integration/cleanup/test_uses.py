# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in use stays: by a process, by another host, by what the fleet no longer knows of."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.uses import uses_of
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from tests.integration.cleanup.cleaning import NOTHING, cleaned, deleted, foreseen, kept
from tests.support.node import Node
from tests.support.releases import deployment, make_release, place, record

PACKAGES = {version: Package("pypi", "box", f"{version}.0.0") for version in "123"}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A host with only files."""
    return place(tmp_path / "node")


@pytest.fixture
def paths(node: Node) -> dict[str, Path]:
    """Three releases, of which a server ``box`` runs the third."""
    found = {version: make_release(node.root / "releases", package) for version, package in PACKAGES.items()}
    record(node, "box", deployment(PACKAGES["3"], found["3"]))
    return found


def sleeping(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    """A process that does nothing for a while."""
    program = "import sys, time; print(flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )
    assert process.stdout.readline() == b"\n"
    return process  # type: ignore[no-any-return]


@pytest.fixture(params=["folder", "argument", "file", "environment"])
def using(request: pytest.FixtureRequest, paths: dict[str, Path]) -> Iterator[int]:
    """A process that uses release 1 in some way."""
    release = paths["1"]
    with (release / "program").open() as opened:
        process = {
            "folder": lambda: sleeping(cwd=release / "lib"),
            "argument": lambda: sleeping(str(release / "program")),
            "file": lambda: sleeping(pass_fds=[opened.fileno()]),
            "environment": lambda: sleeping(env={"X": f"a:{release}/lib:b"}),
        }[request.param]()
    yield process.pid
    process.kill()
    process.communicate()


def test_a_release_that_a_process_uses_stays_until_that_ends(node: Node, using: int) -> None:
    done = cleaned(node)
    assert deleted(done) == {"2.0.0"}
    assert kept(done)["1.0.0"] == f"process {using} uses it"


def test_a_release_that_is_used_when_it_was_moved_away_is_put_back(
    node: Node, paths: dict[str, Path]
) -> None:
    node.host().releases.tombs.bury(paths["1"])
    process = sleeping(str(paths["1"] / "program"))
    try:
        done = cleaned(node)
        assert (paths["1"] / "manifest.json").exists() and paths["1"].stat().st_mode & 0o222 == 0
        assert (str(paths["1"]), "it is in use, and was put back") in done.left
    finally:
        process.kill()
        process.communicate()
    assert deleted(cleaned(node)) == {"1.0.0"}


def test_a_release_that_was_moved_away_and_is_a_servers_is_put_back(
    node: Node, paths: dict[str, Path]
) -> None:
    node.host().releases.tombs.bury(paths["3"])
    cleaned(node)
    assert {each.path for each in node.host().releases.all()} == {paths["3"]}


@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_of_a_server_without_a_readable_journal_nothing_is_deleted(
    node: Node, paths: dict[str, Path], state: str
) -> None:
    strange = make_release(node.root / "releases", Package("pypi", "other", "1.0.0"))
    slot = node.root / "slots" / "box" / "blue"
    slot.mkdir(parents=True)
    (slot / "launch.json").write_text(json.dumps({"argv": [str(paths["3"] / "program")]}))
    journal = node.root / "state" / "box" / "journal.json"
    journal.unlink() if state == "missing" else journal.write_text("{}")
    log = node.root / "logs" / "box-blue.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("what it said")
    done = cleaned(node, {**NOTHING, "log": {"min_age": 0}})
    assert log.exists()
    assert all(path.exists() for path in paths.values()) and not strange.exists()
    [warning] = done.warnings
    assert "othing of" in warning and "run update for it, which adopts what serves" in warning.lower()


def test_where_nobody_knows_what_a_lost_server_ran_no_release_is_deleted(
    node: Node, paths: dict[str, Path]
) -> None:
    make_release(node.root / "releases", Package("pypi", "other", "1.0.0"))
    (node.root / "edge" / "active.map").write_text("lost g3\n")
    assert deleted(cleaned(node)) == set()


def test_what_another_run_may_be_about_to_use_stays(node: Node, paths: dict[str, Path]) -> None:
    with (node.root / "state" / "box" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert deleted(foreseen(node)) == deleted(cleaned(node)) == set()
    with (node.root / "releases" / ".locks" / "pypi-box.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert deleted(foreseen(node)) == set()
    assert deleted(foreseen(node)) == {"1.0.0", "2.0.0"}


def test_a_server_whose_lock_was_not_to_be_had_counts_as_in_flight(
    node: Node, paths: dict[str, Path]
) -> None:
    record(node, "box", deployment(PACKAGES["2"], paths["2"]))
    layout = node.host().layout

    def rules(ours: tuple[tuple[Path, str], ...] | None) -> set[str]:
        return {use.claim.kind for use in uses_of(layout, layout.releases, ours).uses}

    assert "in flight" not in rules(None) | rules(((layout.state, "box"),))
    assert "in flight" in rules(())


def test_pins_patterns_and_the_inventory_keep_releases(node: Node, paths: dict[str, Path]) -> None:
    more = make_release(node.root / "releases", Package("pypi", "box", "4.0.0"))
    server = {
        "name": "box",
        "package": {"registry_type": "pypi", "identifier": "box", "version": "4.0.0"},
        "retention": {"keep": ["*@2.*"]},
    }
    done = cleaned(node, {**NOTHING, "pin": ["box@1.0.0"]}, servers=[server])
    assert (deleted(done), more.exists()) == (set(), True)
    assert kept(done) == {
        "1.0.0": "it is pinned",
        "2.0.0": "*@2.* is kept",
        "3.0.0": "box runs it",
        "4.0.0": "the inventory defines it for box",
    }


def test_a_release_that_another_host_of_the_folder_uses_stays(tmp_path: Path) -> None:
    nodes = [place(tmp_path / name) for name in ("one", "two")]
    shared = tmp_path / "releases"
    (shared / ".locks").mkdir(parents=True)
    for node in nodes:
        layout = json.loads(node.config.read_text())
        node.config.write_text(json.dumps({**layout, "releases": str(shared)}))
    old = {version: make_release(shared, package) for version, package in PACKAGES.items()}
    # Nobody has left word yet: what is there may be anybody's.
    assert deleted(cleaned(nodes[0])) == set()
    assert len(list((shared / ".hosts").iterdir())) == 1
    word = {"since": 0}
    for node in nodes:
        (shared / ".hosts").mkdir(exist_ok=True)
        (shared / ".hosts" / f"{node.root.name}.json").write_text(
            json.dumps({**word, "config": str(node.config)})
        )
    record(nodes[0], "box", deployment(PACKAGES["1"], old["1"]))
    record(nodes[1], "box", deployment(PACKAGES["2"], old["2"]))
    done = cleaned(nodes[0])
    assert (deleted(done), kept(done)["2.0.0"]) == ({"3.0.0"}, "box runs it")
    nodes[1].config.unlink()
    record(nodes[0], "box", deployment(PACKAGES["2"], old["2"]))
    done = cleaned(nodes[0])
    assert deleted(done) == set()
    assert "a host that shares" in done.warnings[0] and "remove" in done.warnings[0]


def test_logs_caches_and_backups_go_by_their_rules(node: Node, paths: dict[str, Path]) -> None:
    logs, cache = node.root / "logs", node.root / "cache"
    names = ["logs/box-blue.log", "logs/box-blue.log.before", "logs/gone-blue.log", "logs/edge.log"]
    names += ["cache/uv/CACHEDIR.TAG", "backups/notes.txt"]
    for name in names:
        (node.root / name).parent.mkdir(parents=True, exist_ok=True)
        (node.root / name).write_bytes(b"x" * 10)
    old, new = (f"node1-2026010{day}T000000Z.tar.gz.age" for day in (1, 2))
    for number, name in enumerate((old, f"{old}.json", new, f"{new}.json", ".lock", "fleet-key.age")):
        path = node.root / "backups" / name
        path.write_bytes(b"x")
        os.utime(path, (1000 * (number // 2), 1000 * (number // 2)))
    rules = {"log": {"min_age": 0}, "cache": {"min_age": 0}}
    cleaned(node, {**NOTHING, **rules, "backup": {"keep": 1, "min_age": 0, "max_age": "1m"}})
    assert {path.name for path in logs.glob("*.log*")} == {"box-blue.log", "edge.log"}
    assert not (cache / "uv").exists()
    left = {path.name for path in (node.root / "backups").iterdir()}
    assert left == {"notes.txt", "fleet-key.age", new, f"{new}.json", ".lock", ".tombstones"}
    assert [Path(each["path"]).name for each in result_of(foreseen(node))["foreign"]] == [
        "fleet-key.age",
        "notes.txt",
    ]
