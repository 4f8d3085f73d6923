# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the eras: what blocks a migration, and the forms in which it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mcpops.fleet.plugins.filter.eras_report import eras_report
from ansible_collections.mcpops.fleet.plugins.module_utils.eras.standing import standings

SINCE = "2026-11-01T00:00:00Z"
USED = {"last": "2026-11-25T00:00:00Z", "in_use": True, "requests": 3, "sessions": 1}
DUAL = ("legacy", "modern")


def server(
    version: str = "1.0", eras: tuple[str, ...] = DUAL, whole: bool = True, **used: dict[str, Any]
) -> dict[str, Any]:
    """A server as ``mcp_server_info`` gives it."""
    return {
        "server": "box",
        "active": {"version": version, "package": f"@a/box@{version}", "eras": list(eras)},
        "eras_in_use": {"days": 7, "since": SINCE, "whole": whole, "eras": used, "problem": None},
    }


UNCOUNTED = {**server(), "eras_in_use": {"days": 7, "since": None, "eras": {}, "problem": "stdio"}}


@pytest.mark.parametrize(
    ("found", "blocks"),
    [
        (server(eras=("modern",)), None),
        (server(eras=("legacy",)), "it serves only legacy; no version that runs here serves modern"),
        (server(legacy=USED), "clients use legacy"),
        (server(legacy={**USED, "in_use": False}), None),
        (server(), None),
        (server(whole=False), f"nobody was seen to use legacy, but it is watched only since {SINCE}"),
        (
            server(legacy={**USED, "in_use": None}),
            f"nobody was seen to use legacy, but it is watched only since {SINCE}",
        ),
        (UNCOUNTED, "whether clients use legacy is not known: stdio"),
        ({**server(), "active": None}, "it does not serve"),
    ],
)
def test_what_blocks_the_modern_era_follows_from_what_is_served_and_used(
    found: dict[str, Any], blocks: str | None
) -> None:
    [entry] = standings({"node1": {"servers": [found]}})
    assert entry.blocks == blocks


def test_a_version_that_serves_modern_on_another_host_is_named() -> None:
    old, new = server(eras=("legacy",)), server("2.0")
    [first, _second] = standings({"node1": {"servers": [old]}, "node2": {"servers": [new]}})
    assert first.blocks == "it serves only legacy; 2.0 (on node2) serves modern"


def test_a_host_that_could_not_be_asked_has_a_line_that_says_so() -> None:
    text = eras_report({"node1": {"msg": "it is gone"}, "node2": {"servers": [server(legacy=USED)]}})
    head, box, lost = text.splitlines()
    assert (
        head.split()
        == "server host version serves legacy used modern used watched since blocks modern".split()
    )
    assert "node1" in lost and lost.endswith("not known: it is gone")
    assert "2026-11-25T00:00:00Z (3 requests, 1 sessions in 7 days)" in box and "never seen" in box


def test_each_form_has_the_same_and_an_unknown_one_is_refused() -> None:
    found = {"node1": {"servers": [server(legacy=USED)]}}
    assert json.loads(eras_report(found, "json"))[0]["used"] == {"legacy": USED}
    assert eras_report(found, "markdown").splitlines()[2].startswith("| box | node1 | 1.0 | dual |")
    with pytest.raises(AnsibleFilterError, match="'html' is no form"):
        eras_report(found, "html")
