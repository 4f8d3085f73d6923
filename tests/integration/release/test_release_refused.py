# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be installed is refused with the reason and the cure, and leaves nothing behind."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from tests.integration.release.conftest import use
from tests.integration.release.place import MEMORY, SHARED_CACHE, TIME, releases, tree_of
from tests.integration.release.registry import Registry


def refused(host: Releases, package: Package, root: Path, timeout: float = 60) -> FleetError:
    """The error for a package that cannot be installed, when other releases stayed as they were."""
    before = tree_of(root)
    with pytest.raises(FleetError) as caught:
        host.install(package, timeout=timeout)
    assert tree_of(root) == before, "nothing is left, nothing else was touched"
    assert host.find(package) is None
    assert host.incomplete() == []
    assert str(package) in str(caught.value)
    return caught.value


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, running: Registry) -> Iterator[Path]:
    """A folder with releases of our own registry's packages, for all tests; refusals change nothing."""
    place = tmp_path_factory.mktemp("refused")
    with pytest.MonkeyPatch.context() as patch:
        use(patch, f"http://{running.address}/npm", f"http://{running.address}/simple")
        host = releases(place / "releases", place / "cache")
        host.install(Package("pypi", "good-server", "1.0.0"), timeout=60)
    yield place
    Effects().remove_tree(place)


@pytest.fixture
def root(place: Path) -> Path:
    """The releases."""
    return place / "releases"


@pytest.fixture
def host(place: Path, root: Path, registry: Registry) -> Releases:
    """A host that knows our own registry only."""
    return releases(root, place / "cache")


@pytest.mark.parametrize(
    ("registry_type", "identifier", "version", "came_back", "cure"),
    [
        ("npm", "nope-server", "1.0.0", "registry does not know it.*nope-server", "Check registry_type"),
        ("pypi", "nope-server", "1.0.0", "registry does not know it.*nope-server", "Check registry_type"),
        ("npm", "good-server", "9.9.9", "not this version.*good-server@9.9.9", "the newest: 1.0.0"),
        ("pypi", "good-server", "9.9.9", "not this version.*good-server==9.9.9", "the newest: 1.0.0"),
        ("npm", "good-server", "latest", "npm took it for version 1.0.0", "Pin the exact version"),
        ("npm", "cut-off", "1.0.0", "cut off in the middle", "Run it again"),
        ("pypi", "cut-off", "1.0.0", "cut off in the middle.*cut-off==1.0.0", "Run it again"),
        ("npm", "half-page", "1.0.0", "cut off in the middle.*half-page", "Run it again"),
        ("pypi", "half-page", "1.0.0", "cut off in the middle.*half-page", "Run it again"),
        ("npm", "bad-hash", "1.0.0", "hash mismatch.*bad-hash", "Do not install it"),
        ("pypi", "bad-hash", "1.0.0", "hash mismatch.*bad-hash", "Do not install it"),
        ("npm", "needs-runtime", "1.0.0", "another version of Python or Node.*>=99", "another runtime"),
        ("pypi", "needs-runtime", "1.0.0", "another version of Python or Node.*Python>=4", "another runtime"),
        ("npm", "misses-part", "1.0.0", "depends on is not to be had.*not-there", "another version"),
        ("pypi", "misses-part", "1.0.0", "depends on is not to be had.*not-there", "another version"),
        ("npm", "native-part", "1.0.0", "native-part 1.0.0 has to be compiled.*scripts are off", "compiler"),
    ],
)
def test_a_package_that_cannot_be_had_is_refused_with_its_own_reason(
    host: Releases,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    registry_type: str,
    identifier: str,
    version: str,
    came_back: str,
    cure: str,
) -> None:
    # However narrow the terminal of whoever runs it.
    monkeypatch.setenv("COLUMNS", "40")
    error = refused(host, Package(registry_type, identifier, version), root)
    assert re.search(came_back, error.came_back), error
    assert re.search(cure, error.cure), error


@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_an_unknown_version_of_a_public_package_names_newer_ones(package: Package, root: Path) -> None:
    host = releases(root, SHARED_CACHE)
    error = refused(host, Package(package.registry_type, package.identifier, "9999.1.1"), root)
    assert "the registry knows the package but not this version" in error.came_back
    assert re.search(r"the newest: 20\d\d\.\d+\.\d+", error.cure)


@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
def test_an_unknown_public_package_is_told_from_an_unknown_version(registry_type: str, root: Path) -> None:
    package = Package(registry_type, "mcp-server-that-nobody-published", "1.0.0")
    error = refused(releases(root, SHARED_CACHE), package, root)
    assert "the registry does not know it" in error.came_back


@pytest.mark.parametrize("package", [TIME, MEMORY], ids=str)
def test_a_registry_that_is_out_of_reach_is_named(
    package: Package, root: Path, tmp_path: Path, unreachable: str
) -> None:
    error = refused(releases(root, tmp_path / "cache"), package, root)
    assert "the registry is out of reach" in error.came_back
    assert unreachable in error.came_back
    assert "refused" in error.came_back.lower()


@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
@pytest.mark.parametrize(
    ("answer", "came_back"),
    [
        ("401", "refused access"),
        ("403", "refused access"),
        ("503", "answered with an error"),
    ],
)
def test_a_registry_that_answers_with_an_error_is_told_from_one_out_of_reach(
    host: Releases,
    root: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    registry_type: str,
    answer: str,
    came_back: str,
) -> None:
    address = f"http://joe:S3cret@{registry.address}/answer/{answer}"
    use(monkeypatch, address, address)
    error = refused(host, Package(registry_type, "other-server", "1.0.0"), root)
    assert came_back in error.came_back
    assert "S3cret" not in str(error)


@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
def test_a_registry_that_does_not_answer_ends_with_the_time_limit(
    host: Releases, root: Path, monkeypatch: pytest.MonkeyPatch, registry_type: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        use(monkeypatch, address, address)
        error = refused(host, Package(registry_type, "other-server", "1.0.0"), root, timeout=2)
    assert re.search(
        r"(npm install|uv pip compile) did not end within the time limit of 2 s", error.came_back
    )


def test_a_host_without_the_tools_says_which_one_is_missing(root: Path, tmp_path: Path) -> None:
    host = Releases(Effects(), root, tmp_path / "cache", Tools())
    assert "uv is needed" in refused(host, TIME, root).came_back
    assert "Node.js is needed" in refused(host, MEMORY, root).came_back
