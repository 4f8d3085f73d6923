# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eras that clients use: counted at the edge, kept over restarts, and not dropped by an update."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.update.foresee import foresee_contract
from ansible_collections.mcpops.fleet.plugins.module_utils.update.health import check
from ansible_collections.mcpops.fleet.plugins.module_utils.update.info import servers_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.outcome import UpdateFailed
from tests.support.client import LegacySession, modern_call
from tests.support.node import Node, box, version

LEGACY_ONLY = "2.6.0"
MODERN_ONLY = "2.18.0"


def used(node: Node, keep: bool = True) -> dict[str, Any]:
    """What the host says of the eras that clients of the test server use."""
    [entry] = servers_of(node.host(), "box", 7, keep)
    assert entry["eras_in_use"]["problem"] is None
    eras: dict[str, Any] = entry["eras_in_use"]["eras"]
    return eras


def test_what_clients_used_outlives_the_edge_and_the_fleets_own_checks_are_no_use(node: Node) -> None:
    node.update("1.0.0")
    assert check(node.host(), box(node, "1.0.0"), None, 15).report.era == "dual"
    assert used(node) == {}
    session = LegacySession(node.url())
    session.call("whoami")
    modern_call(node.url(), "whoami")
    before = used(node)
    assert {era: (use["requests"], use["sessions"], use["in_use"]) for era, use in before.items()} == {
        "legacy": (2, 1, True),
        "modern": (1, 0, True),
    }
    node.supervisorctl("restart", "edge")
    assert used(node) == before
    modern_call(node.url(), "whoami")
    assert used(node)["modern"]["requests"] == 2


def test_an_era_that_clients_use_is_only_dropped_when_it_is_let_go_explicitly(node: Node) -> None:
    allowed: dict[str, Any] = {"on_breaking": "allow"}
    node.update("1.0.0")
    modern_call(node.url(), "whoami")
    with pytest.raises(
        UpdateFailed, match=r"no longer serves modern, which clients use.*drop_eras: \[modern\]"
    ):
        node.update(LEGACY_ONLY, update=allowed)
    assert version(node) == "1.0.0"
    with pytest.raises(UpdateFailed, match="era modern is no longer served.*modern was last used at"):
        node.update(LEGACY_ONLY)
    definition = box(node, LEGACY_ONLY, update=allowed)
    foreseen = node.converger(definition).present("settled", apply=False)
    foresee_contract(node.host(), definition, foreseen)
    assert any("stopped: it no longer serves modern" in warning for warning in foreseen.report.warnings)
    done = node.update(LEGACY_ONLY, update={**allowed, "drop_eras": ["modern"]}).to_json()
    assert (done["active"]["version"], done["eras_in_use"]["eras"]["modern"]["in_use"]) == (LEGACY_ONLY, True)


def test_legacy_is_not_dropped_while_sessions_of_it_were_seen_in_the_last_days(node: Node) -> None:
    allowed: dict[str, Any] = {"on_breaking": "allow"}
    node.update("1.0.0")
    session = LegacySession(node.url())
    session.close()
    with pytest.raises(
        UpdateFailed, match=r"no longer serves legacy, which clients use.*drop_eras: \[legacy\]"
    ):
        node.update(MODERN_ONLY, update=allowed)
    kept = LegacySession(node.url())
    assert kept.call("whoami").split()[0] == "1.0.0"
    kept.close()
    done = node.update(MODERN_ONLY, update={**allowed, "drop_eras": ["legacy"]}).to_json()
    assert (done["active"]["version"], done["active"]["eras"]) == (MODERN_ONLY, ["modern"])
    assert modern_call(node.url(), "whoami").split()[0] == MODERN_ONLY


def test_an_era_that_nobody_used_may_go_and_the_result_says_for_how_long_it_was_watched(node: Node) -> None:
    node.update("1.0.0")
    LegacySession(node.url()).close()
    with pytest.raises(UpdateFailed, match=r"nobody was seen to use modern \(on this host, watched since 20"):
        node.update(LEGACY_ONLY)
    done = node.update(LEGACY_ONLY, update={"on_breaking": "allow"}).to_json()
    assert done["active"]["eras"] == ["legacy"]
    assert (done["eras_in_use"]["whole"], done["eras_in_use"]["eras"]["legacy"]["in_use"]) == (False, True)


def test_an_edge_that_cannot_tell_hinders_no_update_and_is_named(node: Node) -> None:
    node.update("1.0.0")
    (node.root / "state" / "box" / "eras.json").write_text("{")
    done = node.update("2.0.0").to_json()
    assert done["active"]["version"] == "2.0.0"
    assert "eras.json" in json.dumps(done["eras_in_use"]["problem"])
