# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that report and change nothing: which eras clients use, and what is outdated."""

from __future__ import annotations

from tests.integration.playbooks.fleet import SECRET, Fleet
from tests.support.wheels import IDENTIFIER


def test_eras_tells_what_clients_of_a_node_used_and_writes_it_where_it_is_wanted(deployed: Fleet) -> None:
    assert deployed.serves("node1") == "1.0.0"
    file = deployed.root / "eras.md"
    options = {"mcp_report": "markdown", "mcp_report_file": str(file)}
    run = deployed.run("eras", "--limit", "node1", **options).succeeded()
    [entry] = run.stats("mcp_eras")
    assert (entry["server"], entry["host"], entry["version"]) == ("box", "node1", "1.0.0")
    assert entry["used"]["modern"]["requests"] > 0
    table = file.read_text().splitlines()
    assert table[0].startswith("| server") and "| box" in table[2]


def test_outdated_tries_the_newest_out_and_fails_where_that_is_asked_for(deployed: Fleet) -> None:
    run = deployed.run(
        "outdated", "--limit", "node1", mcp_outdated_contracts=True, mcp_outdated_fail=True
    ).failed()
    assert "Not everything is the newest" in run.output
    [entry] = run.stats("mcp_outdated")
    assert (entry["server"], entry["identifier"], entry["hosts"]) == ("box", IDENTIFIER, ["node1"])
    assert (entry["running"]["version"], entry["newest"]["version"]) == ("1.0.0", "3.0.0")
    assert (entry["status"], entry["contract"]["verdict"]) == ("outdated", "identical")
    assert deployed.serves("node1") == "1.0.0"
    assert SECRET not in run.output
