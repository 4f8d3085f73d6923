# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closure: what it is made of, and its digest."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import (
    Artifact,
    Closure,
    from_package_lock,
    from_requirements,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

COMMIT = "c0" * 20
NPM = Package("npm", "@scope/server", "1.2.3")
PYPI = Package("pypi", "my-server", "1.0")
ARTIFACTS = (
    Artifact("a", "1", ("sha256:1", "sha256:2")),
    Artifact("b", "2", ("sha256:3",)),
    Artifact("b", "3", ("sha256:4",)),
)


def lock(**packages: Any) -> dict[str, Any]:
    server = {"version": "1.2.3", "integrity": "sha512-server"}
    return {"packages": {"": {"name": "x"}, "node_modules/@scope/server": server, **packages}}


def test_the_digest_does_not_depend_on_the_order_in_which_a_tool_lists_artifacts_and_hashes() -> None:
    orders = itertools.permutations(ARTIFACTS)
    digests = {Closure(PYPI, order).digest for order in orders}
    turned = tuple(Artifact(a.name, a.version, a.hashes[::-1]) for a in ARTIFACTS)
    assert digests == {Closure(PYPI, turned).digest}
    assert len(digests.pop()) == 64


@pytest.mark.parametrize(
    "other",
    [
        Closure(PYPI, ARTIFACTS[:2]),
        Closure(PYPI, (*ARTIFACTS[:2], Artifact("b", "3", ("sha256:5",)))),
        Closure(PYPI, (*ARTIFACTS[:2], Artifact("b", "4", ("sha256:4",)))),
        Closure(PYPI, (*ARTIFACTS[:2], Artifact("c", "3", ("sha256:4",)))),
        Closure(Package("pypi", "my-server", "1.1"), ARTIFACTS),
        Closure(PYPI, ARTIFACTS, scripts=True),
    ],
)
def test_the_digest_changes_with_anything_that_changes_what_is_installed(other: Closure) -> None:
    assert other.digest != Closure(PYPI, ARTIFACTS).digest


def test_the_digest_does_not_depend_on_where_the_archives_came_from() -> None:
    mirrored = lock(
        **{"node_modules/a": {"version": "1", "integrity": "sha512-a", "resolved": "http://one/a"}}
    )
    direct = lock(**{"node_modules/a": {"version": "1", "integrity": "sha512-a", "resolved": "http://two/a"}})
    assert from_package_lock(NPM, mirrored) == from_package_lock(NPM, direct)


def test_every_archive_of_an_npm_lock_is_an_artifact_once() -> None:
    artifacts = from_package_lock(
        NPM,
        lock(
            **{
                "node_modules/a": {"version": "1", "integrity": "sha512-a"},
                "node_modules/b/node_modules/a": {"version": "1", "integrity": "sha512-a"},
                "node_modules/b/node_modules/@s/c": {"version": "2", "integrity": "sha512-c sha1-c"},
                "node_modules/alias": {"name": "real", "version": "4", "integrity": "sha512-r"},
                "node_modules/b/node_modules/bundled": {"version": "9", "inBundle": True},
                "node_modules/local": {"link": True},
                "node_modules/git": {"version": "3", "resolved": f"git+ssh://u:secret@host/x.git#{COMMIT}"},
            }
        ),
    )
    assert artifacts == (
        Artifact("@s/c", "2", ("sha1-c", "sha512-c")),
        Artifact("@scope/server", "1.2.3", ("sha512-server",)),
        Artifact("a", "1", ("sha512-a",)),
        Artifact("git", "3", (f"git+ssh://host/x.git#{COMMIT}",)),
        Artifact("real", "4", ("sha512-r",)),
    )


def test_a_tag_that_npm_takes_for_some_version_is_refused() -> None:
    with pytest.raises(FleetError, match="npm took it for version 1.2.3. Pin the exact version"):
        from_package_lock(Package("npm", "@scope/server", "latest"), lock())


def test_an_archive_without_a_hash_is_refused() -> None:
    with pytest.raises(FleetError, match="no hash for its dependency a 1"):
        from_package_lock(NPM, lock(**{"node_modules/a": {"version": "1"}}))
    for address in ("https://mirror.example/a.tgz", "git+https://host/a.git#main"):
        with pytest.raises(FleetError, match="no hash for its dependency a 1"):
            from_package_lock(NPM, lock(**{"node_modules/a": {"version": "1", "resolved": address}}))
    with pytest.raises(FleetError, match="no hash for its dependency other==2.0"):
        from_requirements(PYPI, "my-server==1.0 --hash=sha256:1\nother==2.0\n")


def test_uv_requirements_are_read_with_all_their_hashes() -> None:
    text = (
        "# a comment\n--index-url https://registry.example/simple\n"
        "My_Server==1.0 \\\n    --hash=sha256:b \\\n    --hash=sha256:a\n"
        "dep[extra]==2.0 ; python_version < '3.12' \\\n    --hash=sha256:c\n    # via my-server\n"
    )
    assert from_requirements(PYPI, text) == (
        Artifact("dep", "2.0", ("sha256:c",)),
        Artifact("my-server", "1.0", ("sha256:a", "sha256:b")),
    )


def test_an_answer_without_the_package_itself_is_refused() -> None:
    with pytest.raises(FleetError, match="does not have the package itself"):
        from_requirements(PYPI, "other==2.0 --hash=sha256:1\n")
