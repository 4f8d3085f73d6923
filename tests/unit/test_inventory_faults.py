# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of an inventory before the first change: all hosts at once, each fault with its hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.filter.inventory_faults import inventory_faults

WEB: dict[str, Any] = {
    "name": "web",
    "package": {"registry_type": "pypi", "identifier": "web", "version": "1.0.0"},
    "transport": "streamable-http",
    "arguments": ["{port}"],
}
GOOD = {"mcp_servers": [WEB]}
BAD = {"mcp_servers": [{**WEB, "transport": "carrier-pigeon"}]}


def faults(
    hosts: dict[str, dict[str, Any]], *, said: dict[str, Any] | None = None, rollout: bool = True
) -> list[str]:
    """Of all hosts, as the task sees it that runs for the first of them."""
    first = next(iter(hosts))
    own = hosts[first] if said is None else said
    return inventory_faults(list(hosts), hosts, first, own, first if rollout else None)


def test_an_inventory_without_mistakes_has_no_faults_and_neither_has_a_host_without_servers() -> None:
    assert faults({"a": GOOD, "b": {}}) == []


def test_hosts_with_the_same_fault_are_told_together_and_only_some_are_named() -> None:
    [told] = faults({"good": GOOD, **{f"h{number}": BAD for number in range(5)}})
    assert told.startswith(
        "h0, h1, h2 and 2 more: web: read the definition, transport: it is str 'carrier-pigeon'"
    )


def test_each_fault_is_told_and_of_very_many_their_number() -> None:
    hosts = {f"h{n}": {"mcp_servers": [{**WEB, "name": f"web{n}", "path": "x"}]} for n in range(25)}
    told = faults(hosts)
    assert (len(told), told[-1]) == (21, "5 more faults.")
    assert told[7].startswith("h7: web7: read the definition, path")


def test_a_host_that_would_go_another_way_than_the_first_is_told_what_differs_and_both_values() -> None:
    [told] = faults(
        {"a": {}, "b": {"mcp_update_waves": [1, "25%", "100%"]}, "c": {"mcp_update_tolerated": 2}}
    )
    assert told.startswith(
        "c: the rollout is to go another way (mcp_update_tolerated: 2) than that of a, "
        "which counts for all (mcp_update_tolerated: 0)."
    )


def test_the_first_host_counts_even_if_it_is_not_among_the_hosts_of_the_run() -> None:
    hosts: dict[str, dict[str, Any]] = {"a": {"mcp_update_waves": ["100%"]}, "b": {}}
    [told] = inventory_faults(["b"], hosts, "b", {}, "a")
    assert "than that of a" in told


def test_what_the_playbook_sets_counts_for_all_hosts_whatever_the_inventory_says() -> None:
    hosts: dict[str, dict[str, Any]] = {"a": BAD, "b": {"mcp_update_waves": ["100%"]}}
    assert len(faults(hosts)) == 2
    assert faults(hosts, said={"mcp_servers": [], "mcp_update_waves": [1]}) == []
    assert len(faults({"a": GOOD, "b": GOOD}, said=BAD)) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {"mcp_update_waves": []},
        {"mcp_update_waves": "100%"},
        {"mcp_update_waves": [0]},
        {"mcp_update_waves": ["101%"]},
        {"mcp_update_waves": [True]},
        {"mcp_update_tolerated": -1},
        {"mcp_update_tolerated": "some"},
        {"mcp_update_on_stop": "panic"},
        {"mcp_update_on_stop": "Rollback"},
        {"mcp_update_pause": "-5"},
    ],
)
def test_a_rollout_that_cannot_go_so_is_told_by_its_variable_and_only_where_there_is_one(
    setting: dict[str, Any],
) -> None:
    [told] = faults({"a": setting})
    [(name, value)] = setting.items()
    assert told.startswith(f"a: plan the rollout: {name} is {value}. Give ")
    assert faults({"a": setting}, rollout=False) == []


def test_a_lock_that_has_to_be_there_is_missed_beside_the_inventory_of_its_host(tmp_path: Path) -> None:
    [told] = faults({"a": {**GOOD, "mcp_lock": "required", "inventory_dir": str(tmp_path)}, "b": GOOD})
    assert told.startswith("a: web: find the lock of pypi web 1.0.0") and f"{tmp_path}/locks has none" in told
