# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the public registries become releases that start."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.installation import Installation
from ansible_collections.mcpops.fleet.plugins.module_utils.release.manifest import Release
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.pypi import Pypi
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from tests.integration.release.place import (
    MEMORY,
    SHARED_CACHE,
    TIME,
    CountedEffects,
    answer,
    import_path,
    releases,
    tools,
    tree_of,
)
from tests.integration.release.registry import Registry

TAG = sys.implementation.cache_tag


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Releases of public packages, installed once; no test changes them."""
    root = tmp_path_factory.mktemp("public")
    host = releases(root, SHARED_CACHE)
    for package in (TIME, MEMORY):
        host.install(package, timeout=300)
    yield root
    Effects().remove_tree(root)


def installed(root: Path, package: Package) -> Release:
    release = releases(root, SHARED_CACHE).find(package)
    assert release is not None
    return release


@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_a_public_package_becomes_a_release_that_serves(
    package: Package, public: Path, tmp_path: Path
) -> None:
    host, release = releases(public, SHARED_CACHE), installed(public, package)
    assert release.path.parent == public / package.registry_type / package.folder
    assert release.path.name == f"{package.version}-{release.digest[:12]}"
    assert host.at(release.path) == release
    assert release in host.all()
    assert host.incomplete() == []
    assert '"serverInfo"' in answer(host.command(release), tmp_path)


@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_a_release_cannot_be_changed_by_others(package: Package, public: Path) -> None:
    release = installed(public, package)
    files = [path for path in release.path.rglob("*") if not path.is_symlink()]
    assert [path for path in (*files, release.path) if stat.S_IMODE(path.stat().st_mode) & 0o222] == []
    assert release.file_count == sum(path.is_file() for path in files) - 1  # all but the manifest
    # A file that shares its inode with the cache would change with it.
    assert [path for path in files if path.is_file() and path.stat().st_nlink > 1] == []


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_installing_again_does_nothing_on_the_host_or_on_the_network(package: Package, public: Path) -> None:
    before, effects = tree_of(public), CountedEffects()
    again = releases(public, SHARED_CACHE, effects).install(package, timeout=300)
    assert again == installed(public, package)
    assert effects.acts == {}
    assert tree_of(public) == before


def test_a_pypi_release_is_compiled_so_that_it_starts_fast_though_it_is_read_only(
    public: Path, tmp_path: Path
) -> None:
    host, release = releases(public, SHARED_CACHE), installed(public, TIME)
    before = tree_of(release.path)
    assert any(path.endswith(f"mcp_server_time/__pycache__/server.{TAG}.pyc") for path in before)
    answer(host.command(release), tmp_path)
    assert tree_of(release.path) == before, "starting it wrote nothing"


def test_the_manifest_holds_the_closure_and_the_lock_from_which_it_was_installed(public: Path) -> None:
    release = installed(public, MEMORY)
    content = json.loads((release.path / "manifest.json").read_text())
    names = {artifact["name"] for artifact in content["closure"]}
    assert {MEMORY.identifier, "@modelcontextprotocol/sdk"} <= names
    assert all(artifact["hashes"][0].startswith("sha512-") for artifact in content["closure"])
    assert set(content["tools"]) == {"node", "npm"}
    lock = json.loads((release.path / "package-lock.json").read_text())
    assert f"node_modules/{MEMORY.identifier}" in lock["packages"]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
def test_a_removed_release_is_gone_and_others_are_not(root: Path, tmp_path: Path, registry_type: str) -> None:
    host = releases(root, tmp_path / "cache")
    package = Package(registry_type, "good-server", "1.0.0")
    other = host.install(Package("npm", "two-programs", "1.0.0"), timeout=60)
    release = host.install(package, timeout=60)
    before = tree_of(other.path)
    for _again in range(2):
        host.remove(release)
        assert host.find(package) is None
        assert not release.path.exists()
        assert host.all() == [other]
        assert tree_of(other.path) == before


def test_what_is_resolved_and_in_the_cache_is_not_asked_for_again(
    root: Path, tmp_path: Path, registry: Registry
) -> None:
    package, work = Package("pypi", "good-server", "1.0.0"), tmp_path / "work"
    host = releases(root, tmp_path / "cache")
    host.remove(host.install(package, timeout=60))
    work.mkdir()
    before = registry.served
    Pypi(tools(), tmp_path / "cache").resolve(Installation(Effects(), package, 60), work)
    resolving, before = registry.served - before, registry.served
    host.install(package, timeout=60)
    assert registry.served - before == resolving


def test_programs_are_found_by_name_also_those_of_the_runtime_and_of_dependencies(public: Path) -> None:
    host, release = releases(public, SHARED_CACHE), installed(public, TIME)
    assert host.command(release, "mcp-server-time") == host.command(release)
    assert host.command(release, "python") == (f"{release.path}/venv/bin/python",)
    assert host.command(release, "uvicorn") == (f"{release.path}/venv/bin/uvicorn",)
    for wrong in ("not-there", "../bin/uvicorn", "activate", "/bin/sh"):
        with pytest.raises(FleetError, match="it has: mcp-server-time. Set `command:`"):
            host.command(release, wrong)


@pytest.mark.usefixtures("registry")
def test_a_package_with_several_programs_or_none_says_what_to_set(root: Path, tmp_path: Path) -> None:
    host = releases(root, tmp_path / "cache")
    several = host.install(Package("npm", "two-programs", "1.0.0"), timeout=60)
    assert several.default_executable is None
    with pytest.raises(FleetError, match="it has: first, second. Set `command:`"):
        host.command(several)
    node = tools().node
    home = several.path / "node_modules" / "two-programs"
    assert host.command(several, "second") == (node, str(home / "cli.js"))

    none = host.install(Package("npm", "no-program", "1.0.0"), timeout=60)
    with pytest.raises(FleetError, match="no program of its own. Set `command: node`"):
        host.command(none)
    assert host.command(none, "node") == (node,)


@pytest.mark.usefixtures("registry")
def test_scripts_of_packages_run_only_when_they_are_allowed(root: Path, tmp_path: Path) -> None:
    host, package = releases(root, tmp_path / "cache"), Package("npm", "has-script", "1.0.0")
    without = host.install(package, timeout=60)
    assert not (without.path / "node_modules" / "has-script" / "ran").exists()
    allowed = host.install(package, timeout=60, scripts=True)
    assert (allowed.path / "node_modules" / "has-script" / "ran").exists()
    assert allowed.path != without.path
    assert host.find(package) == without
    assert host.find(package, scripts=True) == allowed


def test_two_installations_of_one_package_at_once_make_one_release(
    root: Path, tmp_path: Path, registry: object
) -> None:
    package = Package("pypi", "good-server", "1.0.0")
    code = (
        "import sys; from pathlib import Path; from tests.integration.release.place import *\n"
        "root, cache = map(Path, sys.argv[1:])\n"
        "host = releases(root, cache, effects := CountedEffects())\n"
        f"print(host.install({package!r}, timeout=60).path, effects.acts['rename'] > 0)\n"
    )
    argv = [tools().python or "", "-c", code, str(root), str(tmp_path / "cache")]
    environment = {**os.environ, "PYTHONPATH": import_path()}
    both = [
        subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _time in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    release = releases(root, tmp_path / "cache").find(package)
    assert release is not None, said
    assert sorted(out for out, _err in said) == [f"{release.path} False\n", f"{release.path} True\n"], said


@pytest.mark.usefixtures("registry")
def test_a_damaged_release_is_not_removed_because_something_may_still_run_from_it(
    root: Path, tmp_path: Path
) -> None:
    host, package = releases(root, tmp_path / "cache"), Package("pypi", "good-server", "1.0.0")
    damaged = host.install(package, timeout=60)
    (damaged.path / "venv" / "bin").chmod(0o755)
    Path(host.command(damaged)[0]).unlink()
    assert host.find(package) is None
    assert host.incomplete() == [damaged.path]

    again = host.install(package, timeout=60)
    assert again.path.name == f"{damaged.path.name}~2"
    assert again.digest == damaged.digest
    assert (damaged.path / "manifest.json").exists()
    assert host.find(package) == again


@pytest.mark.usefixtures("registry")
def test_files_that_were_damaged_in_the_cache_do_not_get_into_a_release(root: Path, tmp_path: Path) -> None:
    cache, package = tmp_path / "cache", Package("pypi", "good-server", "1.0.0")
    host: Releases = releases(root, cache)
    host.remove(host.install(package, timeout=60))
    emptied = list((cache / "uv").glob("archive-*/*/good_server.py"))
    assert emptied
    for path in emptied:
        path.write_bytes(b"")
    release = host.install(package, timeout=60)
    done = subprocess.run(host.command(release), capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "hello\n"


@pytest.mark.usefixtures("registry")
def test_an_npm_package_with_optional_parts_that_the_registry_lacks_is_installed_and_its_files_are_programs(
    root: Path, tmp_path: Path
) -> None:
    host = releases(root, tmp_path)
    release = host.install(Package("npm", "scarce-parts", "1.0.0"), timeout=60)
    lock = json.loads((release.path / "package-lock.json").read_text())
    assert list(lock["packages"]["node_modules/scarce-parts"]["optionalDependencies"]) == ["part-for-intel"]
    done = subprocess.run(host.command(release, "dist/http.mjs"), capture_output=True, text=True, check=True)
    assert done.stdout == "over http\n"
    for outside in ("dist", "dist/nothing.mjs", "../../package.json"):
        with pytest.raises(FleetError, match="find the program"):
            host.command(release, outside)
