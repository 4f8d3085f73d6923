# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases that the controller fetched are installed without a network, and are the same everywhere."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release import bundle, tree
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundle import Bundle
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target
from tests.integration.release.conftest import use
from tests.integration.release.place import (
    MEMORY,
    SHARED_CACHE,
    TIME,
    answer,
    import_path,
    releases,
    tools,
    tree_of,
)
from tests.integration.release.registry import Registry

T = TypeVar("T")

GOOD = {kind: Package(kind, "good-server", "1.0.0") for kind in ("npm", "pypi")}
BOTH = pytest.mark.parametrize("package", GOOD.values(), ids=str)
PUBLIC = pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)

INSTALL = (
    "import sys; from pathlib import Path; from tests.integration.release.place import *\n"
    "root, cache, bundle = map(Path, sys.argv[1:])\n"
    "releases(root, cache).install({package!r}, timeout=300, bundle=bundle)\n"
)


def here() -> Target:
    """This machine."""
    return releases(Path("/nowhere"), Path("/nowhere")).target()


def made(folder: Path, package: Package, target: Target | None = None) -> Bundle:
    """The bundle of a package, made in this folder."""
    return Bundles(Effects(), folder, tools()).make(package, target or here(), timeout=300)[0]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> dict[Package, Bundle]:
    """Bundles of public packages; no test changes them."""
    folder = tmp_path_factory.mktemp("bundles")
    return {package: made(folder, package) for package in (TIME, MEMORY)}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, running: Registry) -> dict[Package, Bundle]:
    """Bundles of our own registry's packages; no test changes them."""
    folder = tmp_path_factory.mktemp("bundles")
    with pytest.MonkeyPatch.context() as patch:
        use(patch, f"http://{running.address}/npm", f"http://{running.address}/simple")
        return {package: made(folder, package) for package in GOOD.values()}


def refused(root: Path, cache: Path, package: Package, path: Path) -> FleetError:
    """The error for a bundle that cannot be installed, when nothing is left of it."""
    host = releases(root, cache)
    with pytest.raises(FleetError) as caught:
        host.install(package, timeout=60, bundle=path)
    assert f"install {package} from {path.name}" in caught.value.tried
    assert host.find(package) is None
    assert host.incomplete() == []
    assert tree_of(root) == {}
    return caught.value


@PUBLIC
def test_without_a_network_the_same_release_is_installed_as_from_the_registry(
    package: Package, public: dict[Package, Bundle], root: Path, tmp_path: Path
) -> None:
    nowhere = {
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "npm_config_registry": "http://127.0.0.1:9",
        "PYTHONPATH": import_path(),
    }
    alone = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    paths = map(str, (root / "alone", tmp_path / "cache", public[package].path))
    argv = [*alone, sys.executable, "-c", INSTALL.format(package=package), *paths]
    done = subprocess.run(argv, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    host = releases(root / "alone", tmp_path / "cache")
    shipped = host.find(package)
    assert shipped is not None
    assert '"serverInfo"' in answer(host.command(shipped), tmp_path)
    fetched = releases(root / "fetched", SHARED_CACHE).install(package, timeout=300)
    assert shipped.digest == fetched.digest == public[package].closure.digest
    contents = [json.loads((release.path / "manifest.json").read_text()) for release in (shipped, fetched)]
    assert [content["source"] for content in contents] == ["controller", "registry"]
    for content in contents:
        # uv notes beside what it installs from a file how old that was: a small file for each package.
        for of_its_own in ("source", "installed_at", "size_bytes", "file_count"):
            content.pop(of_its_own)
    assert contents[0] == contents[1]
    assert host.incomplete() == []


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_a_release_that_is_installed_needs_no_bundle(
    package: Package, good: dict[Package, Bundle], root: Path, tmp_path: Path
) -> None:
    host = releases(root, tmp_path / "cache")
    release = host.install(package, timeout=60, bundle=good[package].path)
    before = tree_of(root)
    assert host.install(package, timeout=60, bundle=tmp_path / "none.tar") == release
    assert host.shipped(None).install(package, timeout=60) == release
    assert host.wanted(package) is None
    assert tree_of(root) == before


@BOTH
def test_where_releases_are_shipped_no_registry_is_asked(
    package: Package, good: dict[Package, Bundle], root: Path, tmp_path: Path, registry: Registry
) -> None:
    host, served = releases(root, tmp_path / "cache"), registry.served
    with pytest.raises(FleetError, match="no bundle of it was shipped.*mcp_release"):
        host.shipped(None).install(package, timeout=60)
    wanted = host.wanted(package)
    assert wanted == {"package": package.to_json(), "target": here().to_json()}
    assert host.shipped(good[package].path).install(package, timeout=60) == host.find(package)
    assert registry.served == served


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_a_bundle_that_is_there_is_used_again_without_the_registry(
    package: Package, good: dict[Package, Bundle]
) -> None:
    folder = good[package].path.parent
    bundles, before = Bundles(Effects(), folder, tools()), tree_of(folder)
    assert bundles.make(package, here(), timeout=60) == (good[package], False)
    newer = replace(here(), python=f"{here().python}9", libc="glibc 2.99")
    assert bundles.make(package, newer, timeout=60) == (good[package], False)
    assert tree_of(folder) == before
    with pytest.raises(FleetError, match="registry is out of reach"):
        bundles.make(replace(package, identifier="two-programs"), here(), timeout=60)
    assert tree_of(folder) == before


@BOTH
@pytest.mark.usefixtures("registry")
def test_a_bundle_is_made_to_the_same_bytes_and_a_damaged_one_anew(
    package: Package, good: dict[Package, Bundle], tmp_path: Path
) -> None:
    first = made(tmp_path / "bundles", package)
    assert first.path.read_bytes() == good[package].path.read_bytes()
    flip(first.path)
    again, new = Bundles(Effects(), tmp_path / "bundles", tools()).make(package, here(), timeout=60)
    assert new
    assert again.path.read_bytes() == good[package].path.read_bytes()


def flip(path: Path) -> None:
    """Turn one bit in the middle of the largest artifact."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_a_turned_bit_in_an_artifact_stops_before_anything_is_installed(
    package: Package, good: dict[Package, Bundle], root: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(good[package].path, tmp_path))
    flip(path)
    error = refused(root, tmp_path / "cache", package, path)
    assert "is not what its lock file says it is (hash mismatch)" in error.came_back
    assert "Do not install it" in error.cure


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_the_installer_itself_verifies_what_it_gets(
    package: Package,
    good: dict[Package, Bundle],
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(shutil.copy(good[package].path, tmp_path))
    flip(path)
    unchecked = bundle._copy

    def copy_unchecked(*arguments: Any) -> None:
        with contextlib.suppress(FleetError):
            unchecked(*arguments)

    monkeypatch.setattr(bundle, "_copy", copy_unchecked)
    refused(root, tmp_path / "cache", package, path)


@BOTH
def test_a_bundle_that_is_cut_off_or_missing_or_of_another_package_is_refused(
    package: Package, good: dict[Package, Bundle], root: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(good[package].path, tmp_path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "it is damaged" in refused(root, tmp_path / "cache", package, path).came_back
    path.unlink()
    assert "it is not there" in refused(root, tmp_path / "cache", package, path).came_back
    for other in (replace(package, version="2.0.0"), replace(package, identifier="two-programs")):
        error = refused(root, tmp_path / "cache", other, good[package].path)
        assert error.came_back == f"the bundle is of {package}"


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (replace(here(), python="3.9.2"), "it is for Python 3.9.2, and releases of this host run on Python"),
        (replace(here(), machine="aarch64"), "it is for aarch64, and this host is"),
    ],
    ids=str,
)
def test_a_bundle_for_another_kind_of_host_is_refused(
    target: Target, said: str, root: Path, tmp_path: Path
) -> None:
    path = made(tmp_path / "bundles", GOOD["pypi"], target).path
    error = refused(root, tmp_path / "cache", GOOD["pypi"], path)
    assert said in error.came_back
    assert str(here()) in error.cure


def test_what_has_no_wheel_for_a_target_is_said_before_it_is_shipped(tmp_path: Path) -> None:
    bundles = Bundles(Effects(), tmp_path / "bundles", tools())
    with pytest.raises(
        FleetError, match="bundle pypi mcp-server-time.* for Python 3.9.2.*another version of Py"
    ):
        bundles.make(TIME, replace(here(), python="3.9.2"), timeout=120)
    with pytest.raises(FleetError, match="has no wheel for .*musl 1.0, and only wheels are shipped"):
        bundles.make(TIME, replace(here(), libc="musl 1.0"), timeout=120)
    assert [path.name for path in bundles_in(tmp_path / "bundles")] == []


def bundles_in(folder: Path) -> list[Path]:
    """All bundles, finished or not."""
    return [*folder.glob("*.tar*"), *folder.glob(".*.new"), *(folder / ".staging").iterdir()]


@pytest.mark.usefixtures("registry")
def test_native_parts_of_npm_packages_are_shipped_for_the_target_alone(tmp_path: Path) -> None:
    package = Package("npm", "native-parts", "1.0.0")
    shipped = made(tmp_path / "bundles", package, Target("3.11.7", "aarch64", "glibc 2.36"))
    names = {item.file.rpartition("-1.0.0-")[0] for item in shipped.artifacts}
    assert names == {"native-parts", "part-for-arm"}
    assert shipped.needs == Target(None, "aarch64", None)
    other = made(tmp_path / "bundles", package, Target("3.11.7", "x86_64", "glibc 2.36"))
    assert {item.file.rpartition("-1.0.0-")[0] for item in other.artifacts} == {
        "native-parts",
        "part-for-intel",
    }
    assert other.closure.digest == shipped.closure.digest


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_a_disk_without_room_for_the_artifacts_is_refused(
    package: Package,
    good: dict[Package, Bundle],
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tree, "_free", lambda path: (tree.ROOM_BYTES + 1000, None))
    error = refused(root, tmp_path / "cache", package, good[package].path)
    assert "the disk has no room" in error.came_back


class StoppedEffects(Effects):
    """The real host, on which every act fails from a number on."""

    def __init__(self, number: int) -> None:
        self.number, self.done = number, 0

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        self.done += 1
        if self.done > self.number:
            raise OSError(5, "Input/output error", target)
        return super().act(name, target, function)


@BOTH
@pytest.mark.usefixtures("unreachable")
def test_after_a_failure_at_any_act_the_next_run_finishes(
    package: Package, good: dict[Package, Bundle], root: Path, tmp_path: Path
) -> None:
    finished, number = False, 0
    while not finished:
        place, path = root / str(number), good[package].path
        try:
            releases(place, tmp_path / "cache", StoppedEffects(number)).install(
                package, timeout=60, bundle=path
            )
            finished = True
        except FleetError as error:
            assert "Input/output error" in str(error)
        host = releases(place, tmp_path / "cache")
        if host.find(package) is None:
            host.install(package, timeout=60, bundle=path)
        assert [release.package for release in host.all()] == [package]
        assert host.incomplete() == []
        number += 7
    assert number > 20


@pytest.mark.usefixtures("registry")
def test_passwords_of_an_index_get_into_no_bundle(
    running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", f"http://user:s3cr3t-of-index@{running.address}/simple")
    shipped = made(tmp_path / "bundles", GOOD["pypi"])
    assert b"s3cr3t-of-index" not in shipped.path.read_bytes()
    assert b"--index-url" not in shipped.path.read_bytes()


def test_a_python_without_pip_is_named(tmp_path: Path, registry: Registry) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = replace(tools(), python=str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(FleetError, match="bare/bin/python has no pip, which fetches the wheels.*python3-pip"):
        Bundles(Effects(), tmp_path / "bundles", bare).make(GOOD["pypi"], here(), timeout=60)
