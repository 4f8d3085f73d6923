# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role host installs."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import jinja2
import yaml

from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import pinned
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

ROLE = Path(__file__).parents[3] / "roles" / "host"


def test_all_that_a_runtime_may_have_is_pinned_with_hashes() -> None:
    named = re.findall(r"([a-z-]+)==([0-9.]+)", (ROLE / "vars" / "main.yml").read_text())
    text = (ROLE / "files" / "runtime.txt").read_text()
    locked = [(artifact.name, artifact.version) for artifact in pinned(Package("pypi", "x", "0"), text)]
    assert sorted(locked) == sorted(named) != []


def script(runtime: Path) -> str:
    """What the task runs on a host where ``runtime`` is."""
    tasks = yaml.safe_load((ROLE / "tasks" / "runtime.yml").read_text())
    environment = jinja2.Environment()
    environment.filters["quote"] = shlex.quote
    return environment.from_string(tasks[0]["ansible.builtin.shell"]["cmd"]).render(
        host_runtime=str(runtime),
        host_cache="/nowhere",
        __host_found={"python": "/usr/bin/python3"},
        __host_wanted=["uv==1"],
        ansible_check_mode=False,
    )


def test_a_runtime_that_is_complete_takes_what_is_handed_over_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "complete").write_text("/usr/bin/python3 uv==1")
    with subprocess.Popen(
        ["/bin/sh", "-c", script(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        # More than a pipe holds: all of it can be written only to somebody who reads it.
        process.stdin.write(b"x" * 2**20)
        process.stdin.close()
        assert process.wait(60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["complete"]
