# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be described as a slot."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec


def spec(**changes: Any) -> SlotSpec:
    values: dict[str, Any] = {
        "server": "time",
        "slot": "blue",
        "argv": ("/bin/server",),
        "environment": {"LEVEL": "1"},
        "credentials": {"TOKEN": "s3cret"},
        "directory": "/",
        "stop_timeout": 10.0,
    }
    return SlotSpec(**{**values, **changes})


def test_a_description_does_not_show_its_credentials() -> None:
    assert "s3cret" not in repr(spec()) and "s3cret" not in str(spec())


def test_descriptions_with_different_credentials_differ() -> None:
    assert spec() == spec() != spec(credentials={"TOKEN": "other"})


@pytest.mark.parametrize(
    "flaw",
    [
        {"server": "../up"},
        {"server": ""},
        {"server": "a/b"},
        {"server": ".."},
        {"server": "two words"},
        {"slot": "red"},
        {"argv": ()},
        {"argv": ("server",)},
        {"argv": ("/bin/server", "a\0b")},
        {"environment": {"A=B": "1"}},
        {"environment": {"": "1"}},
        {"credentials": {"TOKEN": "s3cret\0"}},
        {"directory": "here"},
        {"directory": ""},
        {"stop_timeout": -1},
    ],
)
def test_what_could_never_start_is_refused_without_showing_a_credential(flaw: dict[str, Any]) -> None:
    with pytest.raises(FleetError) as caught:
        spec(**flaw)
    assert "s3cret" not in str(caught.value)


def test_a_stdio_server_may_stay_in_the_folder_of_its_client() -> None:
    assert spec(directory="", inherit_environment=True).directory == ""
