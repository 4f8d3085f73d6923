# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock is believed in no part: what was edited, cut off or put in the wrong place is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mcpops.fleet.plugins.filter.usable_locks import usable_locks
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import from_files
from ansible_collections.mcpops.fleet.plugins.module_utils.release.lock import CURE, Lock, parse
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locker import oldest
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locks import (
    Locks,
    choose,
    dumps,
    loads,
    mode_of,
    require_pinned,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import project
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target
from ansible_collections.mcpops.fleet.plugins.modules.mcp_lock import line

SERVER = Package("pypi", "some-server", "1.4.2")
NODE_SERVER = Package("npm", "@scope/server", "1.4.2")
HOST = Target("3.11.7", "x86_64", "glibc 2.36")
REQUIREMENTS = (
    f"part==2.0 \\\n    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n"
    f"some-server==1.4.2 \\\n    --hash=sha256:{'c' * 64}\n"
)
PACKAGE_LOCK = {
    "name": "mcpops-release",
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"@scope/server": "1.4.2"}},
        "node_modules/@scope/server": {"version": "1.4.2", "integrity": "sha512-QQ==", "author": "Zoë"},
    },
}


def python_lock(package: Package = SERVER, target: Target = HOST) -> Lock:
    text = REQUIREMENTS.replace("1.4.2", package.version)
    closure = from_files(package, {"requirements.txt": text.encode()})
    times = {"part 2.0": None, f"some-server {package.version}": "2026-05-01T10:00:00Z"}
    return Lock(closure, target, "2026-06-01T00:00:00Z", times)


def node_lock() -> Lock:
    text = json.dumps(PACKAGE_LOCK, indent=2, ensure_ascii=False) + "\n"
    files = {"package.json": project(NODE_SERVER), "package-lock.json": text.encode()}
    return Lock(
        from_files(NODE_SERVER, files), Target(), "2026-06-01T00:00:00Z", {"@scope/server 1.4.2": None}
    )


BOTH = pytest.mark.parametrize("lock", [python_lock(), node_lock()], ids=lambda lock: str(lock.package))


@BOTH
def test_a_lock_is_read_back_as_it_was_to_the_byte(lock: Lock) -> None:
    again = parse(lock.to_text(), "name")
    assert again == lock
    assert again.to_text() == lock.to_text()
    assert again.closure.files == lock.closure.files


def edited(change: Callable[[dict[str, Any]], object], *, summed: bool) -> str:
    """The text of a lock whose content was changed; with or without the sum that fits it."""
    content = json.loads(python_lock().to_text())
    change(content)
    if summed:
        content.pop("sha256", None)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        content["sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(content)


def flip(content: dict[str, Any]) -> None:
    content["files"]["requirements.txt"][1] = f"    --hash=sha256:{'f' * 64} \\"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is cut off, or no lock"),
        (python_lock().to_text()[:400], "it is cut off, or no lock"),
        ("[]", "it is no lock"),
        ("{}", "it is no lock"),
        (edited(lambda it: it.update(schema=2), summed=True), "another version of the collection (schema 2"),
        (edited(lambda it: it.pop("target"), summed=True), "it lacks or has too much of: target"),
        (edited(lambda it: it.update(more=1), summed=True), "it lacks or has too much of: more"),
        (edited(flip, summed=False), "it was edited or damaged"),
        (edited(lambda it: it["published"].clear(), summed=False), "it was edited or damaged"),
        (edited(flip, summed=True), "do not have the digest that it says"),
        (edited(lambda it: it["package"].update(version="9"), summed=True), "do not have the digest"),
        (edited(lambda it: it["package"].update(version=">1"), summed=True), "is not an exact version"),
        (edited(lambda it: it["target"].update(python="3"), summed=True), "its python is '3'"),
        (edited(lambda it: it.update(files={}), summed=True), "it cannot be read"),
        (edited(lambda it: it.update(files={"requirements.txt": ["-r other"]}), summed=True), "has options"),
        (edited(lambda it: it.update(files={"requirements.txt": ["a==2"]}), summed=True), "gave no hash"),
    ],
)  # fmt: skip
def test_a_damaged_or_edited_lock_names_its_file_and_the_cure(text: str, said: str, tmp_path: Path) -> None:
    path = Locks(tmp_path).path(SERVER, HOST)
    path.write_text(text)
    with pytest.raises(FleetError) as caught:
        Locks(tmp_path).find(SERVER)
    assert said in caught.value.came_back
    assert str(path) in caught.value.tried
    assert caught.value.cure == CURE
    with pytest.raises(FleetError):
        loads(json.dumps([text]))


def keep(folder: Path, *locks: Lock) -> Locks:
    for lock in locks:
        Locks(folder).path(lock.package, lock.target).write_text(lock.to_text())
    return Locks(folder)


def test_a_package_version_has_a_lock_for_each_kind_of_host_and_of_npm_one(tmp_path: Path) -> None:
    other = python_lock(target=Target("3.12.1", "aarch64", "musl 1.2"))
    locks = keep(tmp_path, python_lock(), other, node_lock())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "npm-@scope+server-1.4.2.lock.txt",
        "pypi-some-server-1.4.2-py3.11-x86_64-glibc.lock.txt",
        "pypi-some-server-1.4.2-py3.12-aarch64-musl.lock.txt",
    ]
    assert locks.find(SERVER) == [python_lock(), other]
    assert locks.find(NODE_SERVER) == [node_lock()]
    assert loads(dumps(locks.find(SERVER))) == [python_lock(), other]
    assert choose(locks.find(SERVER), replace(HOST, python="3.11.9")) == python_lock()
    assert choose([], HOST) is None


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (Target("3.12.1", "x86_64", "glibc 2.36"), "it is for Python 3.11.7"),
        (Target("3.11.2", "x86_64", "glibc 2.36"), "it is for Python 3.11.7"),
        (Target("3.11.7", "aarch64", "glibc 2.36"), "it is for x86_64"),
        (Target("3.11.7", "x86_64", "musl 1.2"), "it needs glibc 2.36"),
        (Target("3.11.7", "x86_64", "glibc 2.31"), "it needs glibc 2.36"),
    ],
    ids=str,
)
def test_a_lock_for_another_kind_of_host_is_refused(host: Target, said: str) -> None:
    with pytest.raises(FleetError, match=said) as caught:
        choose([python_lock()], host)
    assert f"locked for {host} too" in caught.value.cure
    assert "mcpops.fleet.lock" in caught.value.cure


def test_a_lock_under_the_name_of_another_package_is_refused(tmp_path: Path) -> None:
    other = python_lock(replace(SERVER, version="1.4.3"))
    path = Locks(tmp_path).path(SERVER, HOST)
    path.write_text(other.to_text())
    with pytest.raises(
        FleetError, match=r"it is of pypi some-server 1.4.3, not of pypi some-server 1.4.2"
    ) as caught:
        Locks(tmp_path).find(SERVER)
    assert str(path) in str(caught.value)


def test_where_another_version_is_locked_an_unlocked_one_is_refused(tmp_path: Path) -> None:
    locks = keep(tmp_path, python_lock(), node_lock())
    with pytest.raises(FleetError, match=r"1.4.2-py3.11-x86_64-glibc.lock.txt is of another version"):
        locks.find(replace(SERVER, version="1.5.0"))
    assert locks.find(replace(SERVER, version="1.5.0"), "off") == []
    for stranger in (replace(SERVER, identifier="some"), replace(NODE_SERVER, identifier="@scope/serv")):
        assert locks.find(stranger) == []


def test_a_lock_that_has_to_be_there_and_is_not_is_named_with_the_cure(tmp_path: Path) -> None:
    assert Locks(tmp_path / "none").find(SERVER) == []
    with pytest.raises(
        FleetError, match=r"find the lock of pypi some-server 1.4.2.*mcp_lock is required.*fleet.lock"
    ):
        Locks(tmp_path / "none").find(SERVER, "required")


def test_the_oldest_of_hosts_is_what_all_of_them_fit() -> None:
    hosts = [Target("3.11.10", "x86_64", "glibc 2.31"), Target("3.11.2", "x86_64", "glibc 2.39")]
    assert oldest(hosts) == Target("3.11.2", "x86_64", "glibc 2.31")


def test_off_is_understood_as_yaml_reads_it() -> None:
    assert [mode_of(given) for given in (False, "off", "auto")] == ["off", "off", "auto"]
    with pytest.raises(FleetError, match="Give one of: auto, required, off"):
        mode_of("on")


def test_what_is_known_by_the_hash_of_its_content_needs_no_lock(tmp_path: Path) -> None:
    for kind in ("mcpb", "local"):
        package = Package(kind, "some-server", "1.0.0", sha256="a" * 64)
        assert Locks(tmp_path).find(package, "required") == []


@pytest.mark.parametrize(("kind", "identifier"), [("local", "./server"), ("oci", "registry.example/server")])
def test_where_locks_are_required_other_kinds_of_packages_need_their_hash(kind: str, identifier: str) -> None:
    with pytest.raises(FleetError, match=rf"find what pins {kind} {identifier}.*package.sha256"):
        require_pinned(kind, identifier, None, "required")
    require_pinned(kind, identifier, "a" * 64, "required")
    require_pinned(kind, identifier, None, "auto")
    require_pinned("npm", "server", None, "required")  # it needs a lock


def test_definitions_that_nothing_pins_are_refused_before_anything_is_changed(tmp_path: Path) -> None:
    package = {"registry_type": "oci", "identifier": "registry.example/server", "version": "1"}
    definition = {"name": "box", "package": package, "transport": "streamable-http", "arguments": ["{port}"]}
    assert usable_locks([definition], str(tmp_path), "auto") == []
    with pytest.raises(AnsibleFilterError, match=r"box: find what pins oci registry.example/server"):
        usable_locks([definition], str(tmp_path), "required")
    pinned = {**definition, "package": {**package, "version": f"sha256:{'a' * 64}"}}
    assert usable_locks([pinned], str(tmp_path), "required") == []


@pytest.mark.parametrize(("changed", "how"), [(True, "locked"), (False, "ok")])
def test_what_has_no_time_passes_with_a_notice_at_every_run_that_has_a_minimum_age(
    changed: bool, how: str
) -> None:
    entry = {"servers": ["box"], "package": "pypi some-server 1.4.2", "changed": changed, "artifacts": 2}
    entry |= {"published": "2026-05-01T10:00:00Z", "undated": ["part 2.0"]}
    said = line(entry, 7, foreseen=False)
    assert said.startswith(f"box: pypi some-server 1.4.2: {how}, 2 artifacts")
    assert said.endswith("age NOT CHECKED (no registry says when they were published): part 2.0")
    assert "NOT CHECKED" not in line(entry, 0, foreseen=False)
