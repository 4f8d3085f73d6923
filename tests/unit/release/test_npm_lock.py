# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks that npm writes and then refuses: without optional packages that the registry does not have."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm_lock import installable


def lock(**packages: dict[str, Any]) -> bytes:
    return json.dumps({"lockfileVersion": 3, "packages": packages}).encode()


def optional(data: bytes, path: str) -> list[str]:
    return sorted(json.loads(data)["packages"][path]["optionalDependencies"])


PLATFORMS: dict[str, Any] = {"optionalDependencies": {"tool-linux": "1.0.0", "tool-darwin": "1.0.0"}}


def test_an_optional_package_that_was_not_resolved_is_not_named_any_more() -> None:
    data = lock(**{"": {}, "node_modules/tool": PLATFORMS, "node_modules/tool-linux": {"optional": True}})
    assert optional(installable(data), "node_modules/tool") == ["tool-linux"]


def test_a_package_is_found_further_up_and_in_ones_own_folder() -> None:
    data = lock(
        **{
            "node_modules/@a/b/node_modules/tool": PLATFORMS,
            "node_modules/tool-darwin": {},
            "node_modules/@a/b/node_modules/tool/node_modules/tool-linux": {},
        }
    )
    assert installable(data) == data


def test_a_package_beside_or_below_another_is_not_found() -> None:
    data = lock(**{"node_modules/tool": PLATFORMS, "node_modules/other/node_modules/tool-linux": {}})
    assert optional(installable(data), "node_modules/tool") == []


def test_a_lock_in_which_nothing_is_missing_stays_as_it_is_to_the_byte() -> None:
    data = b'{ "lockfileVersion": 3, "packages": {"node_modules/a": {"optionalDependencies": {}}} }'
    assert installable(data) is data
