# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is locked is installed as it is locked, whatever a registry, a cache or a bundle has in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles
from ansible_collections.mcpops.fleet.plugins.module_utils.release.lock import Lock
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locker import Locked, Locker, Terms
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locks import Locks
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import cached
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target
from tests.integration.release.conftest import use
from tests.integration.release.place import FILES, SHARED_CACHE, TIME, answer, releases, tools, tree_of
from tests.integration.release.registry import Registry

GOOD = {kind: Package(kind, "good-server", "1.0.0") for kind in ("npm", "pypi")}
BOTH = pytest.mark.parametrize("package", GOOD.values(), ids=str)
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def own() -> Iterator[Registry]:
    """A registry of the test's own, whose packages it may change."""
    started = Registry()
    yield started
    started.close()


@pytest.fixture
def changing(own: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The same, in use."""
    use(monkeypatch, f"http://{own.address}/npm", f"http://{own.address}/simple")
    return own


def here() -> Target:
    """This machine."""
    return releases(Path("/nowhere"), Path("/nowhere")).target()


def locker(folder: Path, cache: Path, terms: Terms | None = None) -> Locker:
    """A locker of this machine's tools."""
    return Locker(Effects(), Locks(folder), cache, tools(), terms or Terms(NOW, timeout=120))


def lock(folder: Path, package: Package, cache: Path, terms: Terms | None = None) -> Locked:
    """Lock a package for this machine."""
    return locker(folder, cache, terms).lock(package, here())


def host(root: Path, cache: Path, *locks: Lock) -> Releases:
    """A host that installs from these locks."""
    return releases(root, cache).locked(locks)


def refused(there: Releases, root: Path, package: Package, bundle: Path | None = None) -> FleetError:
    """The error for what cannot be installed, when nothing is left of it."""
    with pytest.raises(FleetError) as caught:
        there.install(package, timeout=60, bundle=bundle)
    assert there.all() == [] == there.incomplete()
    assert tree_of(root) == {}
    return caught.value


@BOTH
def test_locking_again_changes_nothing_and_asks_no_registry(
    package: Package, tmp_path: Path, registry: Registry
) -> None:
    first = lock(tmp_path / "locks", package, tmp_path / "cache")
    before, served = tree_of(tmp_path / "locks"), registry.served
    again = lock(tmp_path / "locks", package, tmp_path / "cache")
    assert (first.changed, again.changed) == (True, False)
    assert registry.served == served
    refreshed = lock(tmp_path / "locks", package, tmp_path / "cache", Terms(NOW + timedelta(1), refresh=True))
    assert not refreshed.changed
    assert registry.served > served
    assert tree_of(tmp_path / "locks") == before
    assert first.path.read_text() == first.lock.to_text()


@BOTH
@pytest.mark.usefixtures("registry")
def test_in_check_mode_a_lock_is_foreseen_and_not_written(package: Package, tmp_path: Path) -> None:
    foreseen = locker(tmp_path / "locks", tmp_path / "cache").lock(package, here(), write=False)
    assert foreseen.changed
    assert not (tmp_path / "locks").exists()
    assert lock(tmp_path / "locks", package, tmp_path / "cache").after == foreseen.after


@BOTH
@pytest.mark.usefixtures("registry")
def test_a_damaged_lock_is_made_anew(package: Package, tmp_path: Path) -> None:
    first = lock(tmp_path / "locks", package, tmp_path / "cache")
    first.path.write_text(first.after[:200])
    assert lock(tmp_path / "locks", package, tmp_path / "cache").changed
    assert first.path.read_text() == first.after


@BOTH
def test_what_is_locked_is_installed_with_nothing_resolved(
    package: Package, root: Path, tmp_path: Path, registry: Registry
) -> None:
    made = lock(tmp_path / "locks", package, tmp_path / "archives").lock
    unlocked = releases(root / "unlocked", tmp_path / "other").install(package, timeout=60)
    asked = registry.served
    there = host(root / "locked", tmp_path / "cache", made)
    release = there.install(package, timeout=60)
    assert there.find(package) == release
    assert release.digest == made.closure.digest == unlocked.digest
    served = registry.served
    # Its artifacts are in the cache now, so nothing at all is asked for.
    there.remove(release)
    assert there.install(package, timeout=60).digest == release.digest
    assert registry.served == served > asked
    for name, data in made.closure.files.items():
        assert (release.path / name).read_bytes() == data


@BOTH
def test_other_bytes_of_the_registry_are_refused(
    package: Package, root: Path, tmp_path: Path, changing: Registry
) -> None:
    made = lock(tmp_path / "locks", package, tmp_path / "archives").lock
    for archives in (changing.wheels, changing.tarballs):
        # The registry vouches for the new bytes itself; only the lock knows better.
        archives["good-server"] = archives["two-programs" if archives is changing.tarballs else "bad-hash"]
    error = refused(host(root, tmp_path / "cache", made), root, package)
    assert "hash mismatch" in error.came_back


def archives_in(cache: Path, made: Lock) -> list[Path]:
    """The archives of a lock's packages as the tools keep them, packed or unpacked."""
    if made.package.registry_type == "npm":
        return [cached(cache / "npm", proof) for item in made.closure.artifacts for proof in item.hashes]
    return sorted((cache / "uv").rglob("good_server.py"))


@BOTH
def test_other_bytes_in_the_cache_do_not_get_into_a_release(
    package: Package, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Registry()
    use(monkeypatch, f"http://{once.address}/npm", f"http://{once.address}/simple")
    made = lock(tmp_path / "locks", package, tmp_path / "archives").lock
    there = host(root, tmp_path / "cache", made)
    there.remove(there.install(package, timeout=60))
    once.close()
    found = archives_in(tmp_path / "cache", made)
    assert found
    for path in found:
        path.write_bytes(path.read_bytes()[:-1] + b"#")
    # With no registry any more to get the right ones from, there is no release.
    refused(there, root, package)


@BOTH
@pytest.mark.usefixtures("registry")
def test_a_bundle_of_the_lock_is_installed_and_one_of_anything_else_is_refused(
    package: Package, root: Path, tmp_path: Path, unreachable: str, running: Registry
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use(patch, f"http://{running.address}/npm", f"http://{running.address}/simple")
        made = lock(tmp_path / "locks", package, tmp_path / "archives").lock
        bundles = Bundles(Effects(), tmp_path / "bundles", tools())
        shipped = bundles.make(package, here(), timeout=60, lock=made)[0]
    assert shipped.closure.digest == made.closure.digest
    assert shipped.closure.files == made.closure.files
    assert bundles.make(package, here(), timeout=60, lock=made) == (shipped, False)
    there = host(root / "1", tmp_path / "cache", made)
    assert there.install(package, timeout=60, bundle=shipped.path).digest == made.closure.digest

    other = replace(made, closure=replace(made.closure, scripts=True))
    assert other.closure.digest != made.closure.digest
    assert bundles.find(package, here(), lock=other) is None
    error = refused(host(root / "2", tmp_path / "cache", other), root / "2", package, shipped.path)
    assert error.came_back == "the bundle is not of what the lock says"


@BOTH
@pytest.mark.usefixtures("registry")
def test_a_release_of_other_artifacts_than_the_locks_is_another_release(
    package: Package, root: Path, tmp_path: Path
) -> None:
    made = lock(tmp_path / "locks", package, tmp_path / "archives").lock
    release = releases(root, tmp_path / "cache").install(package, timeout=60)
    other = replace(made, closure=replace(made.closure, scripts=True))
    assert host(root, tmp_path / "cache", made).find(package) == release
    assert host(root, tmp_path / "cache", made).agrees(package, release.digest)
    assert host(root, tmp_path / "cache", other).find(package) is None
    assert not host(root, tmp_path / "cache", other).agrees(package, release.digest)
    assert releases(root, tmp_path / "cache").agrees(package, release.digest)


def test_a_host_of_another_kind_refuses_the_lock_and_installs_nothing(
    root: Path, tmp_path: Path, registry: Registry
) -> None:
    newer = replace(here(), python=f"{here().python}9")
    made = locker(tmp_path / "locks", tmp_path / "cache").lock(GOOD["pypi"], newer).lock
    error = refused(host(root, tmp_path / "cache", made), root, GOOD["pypi"])
    assert f"it is for Python {newer.python}" in error.came_back
    assert f"locked for {here()} too" in error.cure

    # Locked for the older host as well, the same file serves both.
    both = locker(tmp_path / "locks", tmp_path / "cache").lock(GOOD["pypi"], here())
    assert [path.name for path in (tmp_path / "locks").iterdir()] == [both.path.name]
    assert both.lock.target == here()
    assert locker(tmp_path / "locks", tmp_path / "cache").lock(GOOD["pypi"], newer).lock == both.lock


def test_of_what_a_server_depends_on_older_versions_are_taken(tmp_path: Path) -> None:
    plain = lock(tmp_path / "plain", TIME, SHARED_CACHE)
    own = plain.lock.published[f"{TIME.identifier} {TIME.version}"]
    assert plain.undated == []
    assert own is not None
    assert max(filter(None, plain.lock.published.values())) > own

    born = datetime.fromisoformat(own)
    terms = Terms(born + timedelta(days=3), minimum_age=2)
    aged = lock(tmp_path / "aged", TIME, SHARED_CACHE, terms)
    assert aged.lock.closure.digest != plain.lock.closure.digest
    assert max(filter(None, aged.lock.published.values())) <= (born + timedelta(days=1)).isoformat()


@BOTH
def test_a_server_that_is_too_young_is_refused_and_a_lock_on_easier_terms_looked_at_again(
    package: Package, tmp_path: Path, changing: Registry
) -> None:
    changing.published = "2026-11-20T10:00:00.000Z"
    made = lock(tmp_path / "locks", package, tmp_path / "cache", Terms(NOW, minimum_age=5))
    assert made.lock.published == {"good-server 1.0.0": "2026-11-20T10:00:00Z"}
    with pytest.raises(
        FleetError, match=r"published less than mcp_lock_minimum_age \(7 days\) ago: good-server 1.0.0 \(2026"
    ):
        lock(tmp_path / "locks", package, tmp_path / "cache", Terms(NOW, minimum_age=7))
    assert made.path.read_text() == made.after


@BOTH
@pytest.mark.usefixtures("registry")
def test_where_a_registry_tells_no_times_nothing_passes_as_checked(package: Package, tmp_path: Path) -> None:
    made = lock(tmp_path / "locks", package, tmp_path / "cache", Terms(NOW, minimum_age=10))
    assert made.undated == ["good-server 1.0.0"]
    assert json.loads(made.after)["published"] == {"good-server 1.0.0": None}


def test_an_address_with_a_password_does_not_get_into_a_lock(
    running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"user:s3cr3t-of-index@{running.address}"
    use(monkeypatch, f"http://{address}/npm", f"http://{address}/simple")
    for package in GOOD.values():
        try:
            made = lock(tmp_path / "locks", package, tmp_path / "cache")
        except FleetError as error:
            assert "s3cr3t" not in str(error)
            continue
        assert "s3cr3t" not in made.after


@pytest.mark.parametrize(
    ("user", "query"), [("user:s3cr3t@", ""), ("s3cr3t@", ""), ("", "?x=1&access_token=s3cr3t")]
)
def test_a_registry_that_puts_credentials_into_addresses_is_not_locked(
    user: str, query: str, changing: Registry, tmp_path: Path
) -> None:
    changing.user, changing.query = user, query
    with pytest.raises(FleetError, match="password or token in it, in the address http://127") as caught:
        lock(tmp_path / "locks", GOOD["npm"], tmp_path / "cache")
    assert "s3cr3t" not in str(caught.value)
    assert not (tmp_path / "locks").exists()


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
def test_what_only_sounds_like_a_credential_is_locked_and_installed(
    registry_type: str, root: Path, tmp_path: Path
) -> None:
    package = Package(registry_type, "server-auth-token", "1.0.0")
    made = lock(tmp_path / "locks", package, tmp_path / "cache")
    assert "server-auth-token" in made.after
    release = host(root, tmp_path / "cache", made.lock).install(package, timeout=60)
    assert release.digest == made.lock.closure.digest


def test_a_real_server_whose_lock_has_pages_for_funding_is_locked_and_serves(
    root: Path, tmp_path: Path
) -> None:
    made = lock(tmp_path / "locks", FILES, SHARED_CACHE)
    assert "?sponsor=1" in made.after
    there = host(root, SHARED_CACHE, made.lock)
    release = there.install(FILES, timeout=300)
    assert release.digest == made.lock.closure.digest
    assert '"serverInfo"' in answer((*there.command(release), str(tmp_path)), tmp_path)
