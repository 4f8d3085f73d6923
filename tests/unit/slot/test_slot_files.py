# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a slot."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec

SPEC = SlotSpec("time", "blue", ("/bin/server", "ü\n"), {"LEVEL": "1"}, {"TOKEN": "s3cret"}, "/", 7.5, False)


@pytest.fixture
def files(tmp_path: Path) -> SlotFiles:
    return SlotFiles(Effects(), tmp_path / "slots")


def test_what_was_written_is_read_back(files: SlotFiles) -> None:
    assert files.read("time", "blue") is None and not files.matches(SPEC)
    files.write(SPEC)
    assert files.read("time", "blue") == SPEC and files.matches(SPEC)
    assert files.read("time", "green") is None


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ("/bin/server",)},
        {"environment": {}},
        {"credentials": {"TOKEN": "other"}},
        {"directory": "/tmp"},
        {"stop_timeout": 8.0},
        {"inherit_environment": True},
    ],
)
def test_every_part_of_a_description_counts(files: SlotFiles, change: dict[str, Any]) -> None:
    files.write(SPEC)
    assert not files.matches(dataclasses.replace(SPEC, **change))


def test_only_the_owner_may_read(files: SlotFiles) -> None:
    files.write(SPEC)
    folder = files.folder("time", "blue")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600, 0o600]


def test_credentials_stand_in_a_file_of_their_own(files: SlotFiles) -> None:
    files.write(SPEC)
    assert "s3cret" not in files.launch("time", "blue").read_text()
    assert "s3cret" in (files.folder("time", "blue") / "credentials.json").read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"server": "time"}', '"x"'])
@pytest.mark.parametrize("name", ["launch.json", "credentials.json"])
def test_files_that_make_no_sense_count_as_none_and_are_written_again(
    files: SlotFiles, name: str, text: str
) -> None:
    files.write(SPEC)
    (files.folder("time", "blue") / name).write_text(text)
    found = files.read("time", "blue")
    assert found is None or found != SPEC
    assert not files.matches(SPEC)
    files.write(SPEC)
    assert files.read("time", "blue") == SPEC


def test_what_a_killed_run_was_writing_goes_with_the_next_write(files: SlotFiles) -> None:
    files.write(SPEC)
    left = files.folder(SPEC.server, SPEC.slot) / ".credentials.json.abc.new"
    left.write_text("s3cr3t")
    files.write(SPEC)
    assert not left.exists()


def test_names_that_lead_elsewhere_are_refused(files: SlotFiles) -> None:
    for server, slot in (("..", "blue"), ("a/../..", "blue"), ("time", "..")):
        with pytest.raises(FleetError):
            files.remove(server, slot)


def test_the_folder_of_a_server_goes_with_its_last_slot(files: SlotFiles) -> None:
    files.write(SPEC)
    files.write(dataclasses.replace(SPEC, slot="green"))
    files.remove("time", "blue")
    assert files.read("time", "green") is not None
    files.remove("time", "green")
    assert list(files.root.iterdir()) == []
    files.remove("time", "green")


def test_the_mark_of_the_files_is_another_once_one_of_them_was_changed_and_knows_no_credential(
    files: SlotFiles, tmp_path: Path
) -> None:
    assert files.mark("time", "blue") is None
    files.write(SPEC)
    mark, folder = files.mark("time", "blue"), tmp_path / "slots/time/blue"
    files.write(SPEC)
    assert mark is not None and files.mark("time", "blue") == mark
    about = (folder / "credentials.json").stat()
    (folder / "credentials.json").write_text((folder / "credentials.json").read_text().replace("3", "4"))
    assert files.mark("time", "blue") != mark
    os.utime(folder / "credentials.json", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert files.mark("time", "blue") == mark
    (folder / "launch.json").write_text("{}")
    assert files.mark("time", "blue") not in (None, mark)
    (folder / "launch.json").unlink()
    assert files.mark("time", "blue") is None
