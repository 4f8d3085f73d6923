# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts plays are for, and that naming them loads what each of their tasks needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from ansible_collections.mcpops.fleet.plugins.filter.serving_hosts import serving_hosts

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = "ansible_collections.mcpops.fleet.plugins"
EVERY_HOST_OF_THE_DEMO = "all"


def test_hosts_of_the_tier_are_left_out_where_there_are_any() -> None:
    assert serving_hosts({"all": ["a"], "ungrouped": []}) == "all"
    assert serving_hosts({"all": ["a", "b"], "mcp_edges": ["b"]}) == "all:!mcp_edges"


def test_the_filter_loads_every_action_of_the_collection() -> None:
    code = f"import sys, {PACKAGE}.filter.serving_hosts; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    actions = [path.stem for path in (REPOSITORY / "plugins" / "action").glob("mcp_*.py")]
    assert actions
    assert [name for name in actions if f"{PACKAGE}.action.{name}" not in loaded.stdout.split()] == []


def test_every_play_on_hosts_that_serve_names_them_by_the_filter() -> None:
    plays = [
        play for path in (REPOSITORY / "playbooks").glob("*.yml") for play in yaml.safe_load(path.read_text())
    ]
    on_hosts = [play["hosts"] for play in plays if "hosts" in play and play["hosts"] != "localhost"]
    by_other_means = {hosts for hosts in on_hosts if "mcpops.fleet.serving_hosts" not in hosts}
    assert {hosts for hosts in by_other_means if "mcp_edges" not in hosts} == {EVERY_HOST_OF_THE_DEMO}
