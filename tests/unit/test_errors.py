# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the operating system become sentences that say what a host lacks and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError, explained


@pytest.mark.parametrize(
    ("number", "meaning", "cure"),
    [
        (errno.ENOSPC, "the disk has no room", "df -i"),
        (errno.EROFS, "the filesystem is read-only", "Mount it writable"),
        (errno.EMFILE, "no more files can be opened", "ulimit -n"),
        (errno.ENOMEM, "the host has no memory left", "Free memory"),
        (errno.EACCES, "it is not allowed", "become"),
        (errno.ENOTDIR, "Not a directory", "Look at that file"),
    ],
)
def test_what_the_operating_system_refuses_is_told_with_place_and_cure(
    number: int, meaning: str, cure: str
) -> None:
    with pytest.raises(FleetError) as caught, explained("write the journal"):
        raise OSError(number, os.strerror(number), "/var/lib/mcp/box/journal.json")
    assert caught.value.tried == "write the journal"
    assert meaning in caught.value.came_back
    assert "/var/lib/mcp/box/journal.json" in caught.value.came_back
    assert cure in caught.value.cure


def test_an_act_that_the_host_has_no_room_for_names_itself_and_another_error_stays_what_it_is() -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(FleetError, match="write /etc/x: the disk has no room"):
        Effects().act("write", "/etc/x", full)
    with pytest.raises(FileNotFoundError):
        Effects().act("read", "/nowhere", Path("/nowhere/at/all").read_bytes)
