# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How podman is called in a unit, and which hosts and definitions it is not called for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.container import (
    NOBODY,
    OWNER,
    contained,
    obstacle,
    unheld,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.sandbox import Sandbox
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec

PLAIN = "--security-opt=no-new-privileges"
TOLD = ("/usr/bin/podman", "run", "--rm", "--cap-drop=all", PLAIN, "sha")


def argv(sandbox: Sandbox, user: str = OWNER) -> tuple[str, ...]:
    return contained(TOLD, "mcp-box-blue", sandbox, "/d", user)


def test_a_container_stays_in_the_cgroup_of_its_unit_as_the_units_account() -> None:
    words = argv(Sandbox())
    assert words[:4] == ("/usr/bin/podman", "--runtime=crun", "--events-backend=none", "run")
    assert {"--cgroups=disabled", "--log-driver=none", "--name=mcp-box-blue", "--user={owner}"} <= set(words)
    assert words[-4:] == TOLD[-4:]
    assert NOBODY in argv(Sandbox(), NOBODY) and OWNER not in argv(Sandbox(), NOBODY)


def test_service_loosens_the_container() -> None:
    words = argv(Sandbox(capabilities=("CAP_NET_RAW",), writable_paths=("/srv/a b",), new_privileges=True))
    assert "--cap-add=CAP_NET_RAW" in words and "--volume=/srv/a b:/srv/a b" in words
    assert PLAIN not in words and PLAIN in argv(Sandbox())
    # All are dropped before some are added.
    assert "--cap-drop=all" in words


@pytest.mark.parametrize(
    ("sandbox", "keys"),
    [
        (Sandbox(memory_max="2G", user="web", new_privileges=True, capabilities=("CAP_KILL",)), []),
        (Sandbox(devices=True, home=True), ["home", "devices"]),
        (Sandbox(system_calls=("any",)), ["system_calls"]),
        (Sandbox(new_privileges=True), ["new_privileges without user"]),
    ],
)
def test_keys_of_service_that_would_do_nothing_are_named(sandbox: Sandbox, keys: list[str]) -> None:
    assert unheld(sandbox) == keys


@pytest.mark.parametrize(
    ("there", "hybrid", "came_back", "cure"),
    [
        ((), False, "podman and crun are not installed", "apt-get install podman crun"),
        (("crun",), False, "podman is not installed", "apt-get install podman"),
        (("podman",), False, "crun is not installed", "apt-get install crun"),
        (("podman", "crun"), True, "both kinds of cgroups (hugetlb in", "systemd.unified_cgroup_hierarchy=1"),
    ],
)
def test_a_host_that_cannot_is_told_what_it_lacks(
    tmp_path: Path, there: tuple[str, ...], hybrid: bool, came_back: str, cure: str
) -> None:
    controllers = tmp_path / "cgroup.controllers"
    controllers.write_text("hugetlb\n" if hybrid else "\n")
    said = obstacle(lambda name: f"/usr/bin/{name}" if name in there else None, controllers)
    assert said is not None and came_back in said[0] and cure in said[1]


def test_a_host_with_all_of_it_can(tmp_path: Path) -> None:
    assert obstacle(lambda name: f"/usr/bin/{name}", tmp_path / "not-there") is None


def test_the_files_of_other_slots_are_not_changed_by_there_being_containers(tmp_path: Path) -> None:
    files = SlotFiles(Effects(), tmp_path)
    spec = SlotSpec("box", "blue", ("/bin/true",), {}, {}, "/", 1)
    files.write(spec)
    assert (
        "container" not in files.launch("box", "blue").read_text("utf-8")
        and files.read("box", "blue") == spec
    )
    inside = SlotSpec("box", "green", ("/bin/true",), {}, {}, "/", 1, container=True)
    files.write(inside)
    assert files.read("box", "green") == inside
