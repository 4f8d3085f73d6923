# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module mcp_release, run by Ansible as a playbook on the controller would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release import bundle
from tests.integration.release.place import import_path, tree_of

PACKAGE = {"registry_type": "pypi", "identifier": "good-server", "version": "1.0.0"}
OLDER = {"python": "3.11.2", "machine": "x86_64", "libc": "glibc 2.31"}
NEWER = {"python": "3.11.10", "machine": "x86_64", "libc": "glibc 2.39"}
OTHER = {"python": "3.12.3", "machine": "aarch64", "libc": "glibc 2.39"}

pytestmark = pytest.mark.usefixtures("registry")


def run(folder: Path, *arguments: str, **options: Any) -> dict[str, Any]:
    """The module's result."""
    given = json.dumps({"package": PACKAGE, "folder": str(folder / "bundles"), **options})
    ansible = str(Path(sys.executable).parent / "ansible")
    done = subprocess.run(
        [ansible, "localhost", "-m", "mcpops.fleet.mcp_release", "-a", given, "-t", str(folder), *arguments],
        env={
            **os.environ,
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "PYTHONPATH": import_path(),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (folder / "localhost").is_file(), done.stdout + done.stderr
    result: dict[str, Any] = json.loads((folder / "localhost").read_text())
    return result


def test_hosts_that_one_bundle_fits_get_one_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    foreseen = run(tmp_path, "--check", targets=[NEWER, OLDER, OTHER])
    assert foreseen["changed"]
    assert [entry["path"] for entry in foreseen["bundles"]] == [None, None, None]
    assert not (tmp_path / "bundles").exists()

    first = run(tmp_path, targets=[NEWER, OLDER, OTHER, NEWER])
    assert first["changed"]
    assert [entry["target"] for entry in first["bundles"]] == [NEWER, OLDER, OTHER]
    newer, older, other = first["bundles"]
    assert newer["path"] == older["path"] != other["path"]
    assert newer["digest"] == other["digest"] == bundle.read(Path(newer["path"])).closure.digest
    assert newer["artifacts"] == 1
    assert newer["size_bytes"] == Path(newer["path"]).stat().st_size
    assert newer["needs"] == {**OLDER, "libc": None}

    before = tree_of(tmp_path / "bundles")
    for options in ((), ("--check",)):
        again = run(tmp_path, *options, targets=[NEWER, OLDER, OTHER])
        assert not again["changed"]
        assert again["bundles"] == first["bundles"]
    assert tree_of(tmp_path / "bundles") == before


def test_a_target_for_which_there_is_none_is_named_and_the_others_are_served(tmp_path: Path) -> None:
    result = run(tmp_path, targets=[{"machine": "s390x"}, OLDER])
    assert result["changed"]
    assert "s390x" in result["msg"]
    assert "uv does not know this platform" in result["msg"]
    strange, older = result["bundles"]
    assert strange["path"] is None
    assert strange["problem"] == result["msg"]
    assert Path(older["path"]).is_file()


def test_without_targets_it_is_for_this_machine_and_mistakes_are_told(tmp_path: Path) -> None:
    assert len(run(tmp_path)["bundles"]) == 1
    assert "its libc is 'glibc'" in run(tmp_path, targets=[{"libc": "glibc"}])["msg"]
    assert "its python is 'three'" in run(tmp_path, targets=[{"python": "three"}])["msg"]
    assert "one exact version" in run(tmp_path, package={**PACKAGE, "version": ">1"})["msg"]
    assert "not a program on this host" in run(tmp_path, uv="/nowhere/uv", targets=[OTHER])["msg"]
