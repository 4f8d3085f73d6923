# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a slot's systemd unit, and that nothing of a definition can add a line to it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.sandbox import Sandbox
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.unit import unit_text, user_name

SPEC = SlotSpec("time", "blue", ("/bin/true",), {"A": "1"}, {"TOKEN": "s3cret"}, "/", 10)


def lines(spec: SlotSpec, launcher: tuple[str, ...] = ("/opt/mcp/launch",), folder: str = "/s") -> list[str]:
    handed = {name: Path(folder) / name for name in ("launch.json", "credentials.json")}
    return unit_text(spec, launcher, handed, ["credentials.json"]).decode().splitlines()


def test_a_unit_has_neither_credentials_nor_environment_of_the_definition() -> None:
    text = "\n".join(lines(SPEC))
    assert "s3cret" not in text and "TOKEN" not in text and "A=1" not in text
    assert "LoadCredential=launch.json:/s/launch.json" in text
    assert "LoadCredentialEncrypted=credentials.json:/s/credentials.json" in text


@pytest.mark.parametrize(
    ("sandbox", "there", "gone"),
    [
        (Sandbox(user="web"), "User=web", "DynamicUser=yes"),
        (Sandbox(memory_max="3G"), "MemoryMax=3G", "MemoryMax=1G"),
        (Sandbox(cpu_quota="infinity"), "CPUQuota=", "CPUQuota=200%"),
        (Sandbox(tasks_max=0), "TasksMax=infinity", "TasksMax=512"),
        (Sandbox(home=True), "ProtectHome=no", "ProtectHome=yes"),
        (Sandbox(devices=True), "PrivateDevices=no", "PrivateDevices=yes"),
        (Sandbox(new_privileges=True), "NoNewPrivileges=no", "NoNewPrivileges=yes"),
        (Sandbox(namespaces=True), "RestrictNamespaces=no", "RestrictNamespaces=yes"),
        (Sandbox(capabilities=("CAP_NET_RAW",)), "AmbientCapabilities=CAP_NET_RAW", "AmbientCapabilities="),
        (Sandbox(system_calls=("any",)), "LockPersonality=yes", "SystemCallFilter=@system-service"),
        (Sandbox(system_calls=("@mount",)), "SystemCallFilter=@mount", "x"),
        (Sandbox(writable_paths=("/srv/a b",)), 'ReadWritePaths="/srv/a b"', "x"),
    ],
)
def test_each_key_of_service_loosens_one_limit(sandbox: Sandbox, there: str, gone: str) -> None:
    found = lines(replace(SPEC, sandbox=sandbox))
    assert there in found and gone not in found
    if gone != "x":
        assert gone in lines(SPEC)


def test_words_of_a_command_are_read_back_as_they_are() -> None:
    command = next(line for line in lines(SPEC, ("/a b/py", "100%", "$HOME", 'q"')) if "ExecStart" in line)
    assert command == 'ExecStart="/a b/py" 100%% $$HOME "q\\"" ${CREDENTIALS_DIRECTORY}/launch.json'


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(FleetError, match="line break"):
        lines(SPEC, folder="/s\nExecStartPre=/bin/evil")


def test_long_names_of_servers_have_users_of_their_own_of_at_most_31_characters() -> None:
    names = {user_name("a" * 39 + end) for end in "bc"}
    assert len(names) == 2 and max(map(len, names)) <= 31


CONTAINER = replace(
    SPEC,
    argv=("/usr/bin/podman", "run", "img"),
    sandbox=Sandbox(memory_max="3G", tasks_max=9),
    container=True,
)


def test_the_unit_of_a_container_is_bounded_and_gives_podman_no_right_over_cgroups() -> None:
    found = lines(CONTAINER)
    for line in (
        "MemoryMax=3G",
        "TasksMax=9",
        "CPUQuota=200%",
        "ProtectControlGroups=yes",
        "DevicePolicy=closed",
    ):
        assert line in found
    assert not any(line.startswith("Delegate") for line in found)


def test_podman_is_root_without_the_accounts_home_and_gets_the_credentials_of_the_unit() -> None:
    found = lines(CONTAINER)
    assert "ExecStart=!/opt/mcp/launch ${CREDENTIALS_DIRECTORY}/launch.json" in found
    assert {"User=mcp-time", "DynamicUser=yes", "Environment=HOME=/ LANG=C.UTF-8"} <= set(found)
    assert "LoadCredentialEncrypted=credentials.json:/s/credentials.json" in found
    assert "s3cret" not in "\n".join(found)


def test_stopping_a_container_tells_podman_alone_and_what_a_kill_left_of_it_is_removed() -> None:
    found = lines(CONTAINER)
    assert "KillMode=mixed" in found and "TimeoutStopSec=10" in found
    after = "ExecStopPost=-!/usr/bin/podman --events-backend=none rm --force --ignore --time=0 mcp-time-blue"
    assert after in found


def test_a_server_that_is_no_container_has_nothing_of_podmans_in_its_unit() -> None:
    text = "\n".join(lines(SPEC))
    assert "podman" not in text and "CAP_" not in text and "ExecStart=/opt" in text
    assert "KillMode=control-group" in text


def test_systemd_reads_the_unit_of_a_container_without_a_word(tmp_path: Path) -> None:
    unit = tmp_path / "mcp-time-blue.service"
    handed = {name: tmp_path / name for name in ("launch.json", "credentials.json")}
    spec = replace(CONTAINER, argv=("/bin/true",))
    unit.write_bytes(unit_text(spec, ("/bin/true",), handed, ["credentials.json"]))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, [])
