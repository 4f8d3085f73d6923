# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container in the unit of a slot, with the real podman and systemd of a host of the lab."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab import REPOSITORY, Lab

_PREFIX = "mcpoci"
_INSTALL = "sudo apt-get {} >/dev/null"
_PODMAN = (
    "install --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold podman crun 2>/dev/null"
)
# A root on an overlay takes no other overlay, and nspawn lets nobody make a keyring.
_STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
_SETTINGS = "[containers]\nkeyring = false\n"
_IMAGE = (
    "sudo tar --create --directory=/ lib64 lib usr/bin/python3.11 usr/lib/python3.11 usr/lib64 "
    "$(cd / && ls usr/lib/x86_64-linux-gnu/{lib{c,m,z,expat}.so.*,ld-linux-*})"
    " | sudo podman import --quiet - localhost/box:1"
)


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Any]]:
    """What the host says of a container that ran there."""
    root = REPOSITORY / ".work" / "lab-oci"
    lab = Lab(root, _PREFIX, root / "inventory" / "hosts.yml", print)
    lab.down()
    lab.up(1)
    try:
        yield _run(lab)
    finally:
        lab.down()
        shutil.rmtree(root)


def _put(lab: Lab, path: str, text: str) -> None:
    subprocess.run(
        [*lab.command("node1"), f"sudo mkdir -p {Path(path).parent} && sudo tee {path} >/dev/null"],
        input=text, text=True, check=True,
    )  # fmt: skip


def _run(lab: Lab) -> dict[str, Any]:
    lab.run("node1", _INSTALL.format("update"))
    lab.run("node1", _INSTALL.format(_PODMAN))
    _put(lab, "/etc/containers/storage.conf", _STORAGE)
    _put(lab, "/etc/containers/containers.conf", _SETTINGS)
    _put(lab, "/opt/mcp-launch", (REPOSITORY / "roles/host/files/mcp-launch").read_text("utf-8"))
    _put(lab, "/opt/container_slot.py", Path(__file__).with_name("container_slot.py").read_text("utf-8"))
    code = subprocess.run(
        ["tar", "--create", "--exclude=__pycache__", "plugins/module_utils"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, check=True,
    ).stdout  # fmt: skip
    place = "/opt/code/ansible_collections/mcpops/fleet"
    unpack = f"sudo mkdir -p {place} && sudo tar --extract --directory={place}"
    subprocess.run([*lab.command("node1"), unpack], input=code, check=True)
    image = lab.run("node1", f"bash -c '{_IMAGE}'").strip().removeprefix("sha256:")
    command = f"sudo PYTHONPATH=/opt/code python3 /opt/container_slot.py {image} 21000"
    result: dict[str, Any] = json.loads(lab.run("node1", command).splitlines()[-1])
    return result


def test_a_host_of_the_lab_can_run_containers(found: dict[str, Any]) -> None:
    assert found["obstacle"] is None


def test_the_server_has_the_units_account_and_cgroup_and_no_privileges(found: dict[str, Any]) -> None:
    facts = found["facts"]
    assert facts["uid"] == facts["owner"] != 0
    assert facts["capabilities"] == ["0" * 16] * 2
    assert (facts["no_new_privileges"], facts["filtered"]) == ("1", "2")
    assert facts["groups"] == ["/system.slice/mcp-box-blue.service"]


def test_it_has_its_credentials_and_no_command_line_has_them(found: dict[str, Any]) -> None:
    assert found["facts"]["seen"] == "s3" and not found["facts"]["secret_in_command_lines"]


def test_sigterm_reaches_it_and_its_words_are_in_the_journal_by_server_and_slot(
    found: dict[str, Any],
) -> None:
    # systemd sends SIGCONT after it, of which podman may say that it came too late.
    assert found["journal"].splitlines()[:2] == ["listening", "ended by SIGTERM"]


def test_a_drop_in_of_just_the_unit_is_told_and_one_of_all_services_is_the_hosts_own(
    found: dict[str, Any],
) -> None:
    assert found["additions"] == [[], [], ["/etc/systemd/system/mcp-box-blue.service.d/override.conf"]]


def test_one_that_ignores_sigterm_is_killed_and_nothing_of_it_stays(found: dict[str, Any]) -> None:
    assert found["deaf"] == "killed"
    assert not {"podman", "conmon", "crun"} & set(found["left"])


def test_the_kernel_has_the_units_limits_for_the_cgroup_that_the_server_is_in(found: dict[str, Any]) -> None:
    assert found["facts"]["limits"] == {"memory": 200 * 1024 * 1024, "tasks": 50}
