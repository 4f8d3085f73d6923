# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cleanup of a test's node."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.clean import Cleaner, Outcome
from ansible_collections.mcpops.fleet.plugins.module_utils.cleanup.report import result_of
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies
from tests.support.node import Node

NOTHING: dict[str, Any] = {
    "preset": "aggressive",
    "release": {"keep": 0, "min_age": 0},
    "staging": {"min_age": 0},
    "quarantine": {"min_age": 0},
}
"""Keeps no release that it need not."""


def cleaner(
    node: Node, policy: dict[str, Any] | None = None, effects: Effects | None = None, **more: Any
) -> Cleaner:
    """A cleaner of the node, by a policy."""
    policies, wanted = parse_policies({"mcp_retention": policy or NOTHING}, more.pop("servers", []))
    return Cleaner(node.host(effects), policies, wanted, **more)


def foreseen(node: Node, policy: dict[str, Any] | None = None, **more: Any) -> Outcome:
    """What a cleanup would do."""
    return cleaner(node, policy, **more).foresee()


def cleaned(node: Node, policy: dict[str, Any] | None = None, **more: Any) -> Outcome:
    """What a cleanup did."""
    return cleaner(node, policy, **more).clean(lock_timeout=10)


def deleted(outcome: Outcome) -> set[str]:
    """Versions of the test server that go."""
    found = result_of(outcome)["found"]
    return {entry["name"].rpartition("@")[2] for entry in found if entry["action"] == "delete"}


def kept(outcome: Outcome) -> dict[str, str]:
    """Versions that stay, and why."""
    found = result_of(outcome)["found"]
    return {
        entry["name"].rpartition("@")[2]: entry["why"]
        for entry in found
        if entry["action"] == "keep" and entry["kind"] in ("release", "quarantine")
    }
