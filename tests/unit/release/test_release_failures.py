# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What npm and uv said when they failed for real, and what an operator is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.failures import (
    QUOTE_LIMIT,
    classify,
    failure,
    quote,
    without_secrets,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import unsupported_node
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

CAPTURED = Path(__file__).parent / "captured"
"""Output of npm 11.19 and uv 0.13, captured from runs that failed in the way that the file's name says."""

IDENTIFIERS = {"unknown_package": "nope-server", "unknown_dependency": "misses-part"}


def captured(name: str) -> tuple[Package, str]:
    identifier = IDENTIFIERS.get(name.partition("_")[2], "good-server")
    registry_type = "npm" if name.startswith("npm") else "pypi"
    return Package(registry_type, identifier, "9.9.9"), (CAPTURED / f"{name}.txt").read_text()


CASES = [
    ("npm_access_refused", "access refused", "Unauthorized - GET"),
    ("npm_another_platform", "another platform", "Unsupported platform for fsevents@2.3.3"),
    ("npm_cut_off", "cut off", "aborted"),
    ("npm_cut_off_metadata", "cut off", "Invalid response body while trying to fetch"),
    ("npm_forbidden", "access refused", "403 Forbidden"),
    ("npm_hash_mismatch", "hash mismatch", "tarball data for bad-hash@"),
    ("npm_no_inodes", "no room", "ENOSPC"),
    ("npm_no_room", "no room", "ENOSPC: no space left on device, write"),
    ("npm_no_such_host", "out of reach", "ENOTFOUND no-such-host.invalid"),
    ("npm_out_of_reach", "out of reach", "ECONNREFUSED registry.example:9"),
    ("npm_portal", "registry fault", "invalid json response body"),
    ("npm_registry_fault", "registry fault", "503 Service Unavailable"),
    ("npm_too_many", "registry fault", "429 Too Many Requests"),
    ("npm_unknown_dependency", "dependency", "'not-there@1.0.0' could not be found"),
    ("npm_unknown_package", "unknown package", "'nope-server@1.0.0' could not be found"),
    ("npm_unknown_version", "unknown version", "No matching version found for good-server@9.9.9"),
    ("uv_access_refused", "access refused", "401 Unauthorized"),
    ("uv_another_platform", "another platform", "no wheels with a matching platform tag"),
    ("uv_another_python", "another runtime", "does not satisfy Python>=4"),
    ("uv_compiler", "compiler", "fatal error: lber.h: No such file or directory"),
    ("uv_cut_off", "cut off", "Failed to download `cut-off==1.0.0`"),
    ("uv_cut_off_metadata", "cut off", "end of file before message length reached"),
    ("uv_forbidden", "access refused", "403 Forbidden"),
    ("uv_hash_mismatch", "hash mismatch", "Hash mismatch for `bad-hash==1.0.0`"),
    ("uv_no_inodes", "no room", "No space left on device"),
    ("uv_no_room", "no room", "No space left on device"),
    ("uv_no_such_host", "out of reach", "dns error"),
    ("uv_out_of_reach", "out of reach", "Connection refused"),
    ("uv_registry_fault", "registry fault", "503 Service Unavailable"),
    ("uv_unknown_dependency", "dependency", "not-there was not found in the package registry"),
    ("uv_unknown_package", "unknown package", "nope-server was not found in the package registry"),
    ("uv_unsatisfiable_dependency", "dependency", "only certifi<=2026.10.18 is available"),
    ("uv_unknown_version", "unknown version", "no version of good-server==9.9.9"),
]


@pytest.mark.parametrize(("name", "kind", "said"), CASES, ids=[case[0] for case in CASES])
def test_a_real_failure_is_recognised_and_its_reason_repeated(name: str, kind: str, said: str) -> None:
    package, output = captured(name)
    error = failure(package, "tool", output)
    assert classify(package, output).name == kind
    assert str(package) in str(error)
    assert said in error.came_back
    assert error.cure
    assert len(error.came_back) < QUOTE_LIMIT + 150


def test_every_captured_output_is_tried() -> None:
    tried = {name for name, _kind, _said in CASES} | {"npm_another_node", "uv_portal"}
    assert {path.stem for path in CAPTURED.iterdir()} == tried


def test_kinds_of_failure_are_told_apart_by_meaning_and_cure() -> None:
    errors = {kind: failure(*_args(name)) for name, kind, _said in CASES}
    assert len({error.cure for error in errors.values()}) == len(errors)
    assert len({error.came_back.partition(" (")[0] for error in errors.values()}) == len(errors)


def _args(name: str) -> tuple[Package, str, str]:
    package, output = captured(name)
    return package, "tool", output


def test_the_versions_that_are_there_are_named_newest_first() -> None:
    package, output = captured("npm_unknown_version")
    error = failure(package, "npm", output, ["1.0.0", "1.1.0"])
    assert error.cure == "Choose a version that is there; the newest: 1.1.0, 1.0.0."


def test_a_package_that_wants_another_node_is_recognised() -> None:
    _package, output = captured("npm_another_node")
    said = unsupported_node(Package("npm", "needs-runtime", "1.0.0"), output)
    assert "required { node: '>=99' }, current { node: 'v" in said
    assert classify(Package("npm", "needs-runtime", "1.0.0"), said).name == "another runtime"


def test_what_only_a_dependency_wants_of_node_is_left_to_readiness() -> None:
    _package, output = captured("npm_another_node")
    assert unsupported_node(Package("npm", "other", "1.0.0"), output) == ""


def test_npm_asking_for_another_npm_does_not_refuse_a_package() -> None:
    _package, output = captured("npm_another_node")
    output = output.replace("{ node: '>=99' }", "{ node: '>=18', npm: '>=99' }")
    assert unsupported_node(Package("npm", "needs-runtime", "1.0.0"), output) == ""


def test_a_build_that_fails_is_told_by_its_error_and_not_by_its_log() -> None:
    _package, output = captured("uv_compiler")
    assert quote(output) == (
        "Failed to build `python-ldap==3.4.4`"
        " | Modules/common.h:15:10: fatal error: lber.h: No such file or directory"
        " | hint: This error likely indicates that you need to install a library that provides `lber.h` "
        "for `python-ldap@3.4.4`"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://joe:S3cret@host/x failed", "GET https://host/x failed"),
        ("GET https://joe:p@ss:S3cret@host/@scope/x", "GET https://host/@scope/x"),
        ("GET https://S3cret@host:8080/x", "GET https://host:8080/x"),
        ("`https://host/x?token=S3cret&y=S3cret`: no", "`https://host/x?***`: no"),
        ("git+https://S3cret:x@host/y.git#abc", "git+https://host/y.git#abc"),
        ("//host/:_authToken=S3cret", "//host/:_authToken=***"),
        ("'_password': 'S3cret'", "'_password': ***"),
        ("Authorization: Bearer S3cret", "Authorization: ***"),
        ("Unexpected token '<' in JSON", "Unexpected token '<' in JSON"),
        ("See https://host/@scope%2fname#readme", "See https://host/@scope%2fname#readme"),
    ],
)
def test_secrets_do_not_get_into_errors(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert "S3cret" not in str(failure(Package("npm", "x", "1.0.0"), "npm", text))
