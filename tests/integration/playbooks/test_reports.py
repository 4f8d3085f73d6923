# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that report and change nothing: which eras clients use, and what is outdated."""

from __future__ import annotations

from pathlib import Path

from tests.integration.playbooks.fleet import LOST, SECRET, Fleet
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


def test_hosts_that_cannot_be_asked_are_named_with_why_in_every_report(
    deployed: Fleet, tmp_path: Path
) -> None:
    with deployed.changed("node2", **LOST), deployed.changed("node3", mcp_root=str(tmp_path)):
        eras = deployed.run("eras").succeeded()
        outdated = deployed.run("outdated", mcp_outdated_fail=True).failed()
        audit = deployed.run("audit").failed()
    problems = {item["host"]: item["problem"] for item in eras.stats("mcp_eras")}
    assert problems["node1"] is None and "host.json" in problems["node3"]
    assert "Connection refused" in problems["node2"]
    standing = {host: item for item in outdated.stats("mcp_outdated") for host in item["hosts"]}
    assert {host: item["status"] for host, item in standing.items()} == {
        "node1": "outdated", "node2": "not checked", "node3": "not checked",
    }  # fmt: skip
    assert (
        "Connection refused" in standing["node2"]["problem"] and "host.json" in standing["node3"]["problem"]
    )
    assert {host: count["failed"] for host, count in audit.recap.items()}["node1"] == 0
    assert "node2  BROKEN" in audit.output and "node3  BROKEN" in audit.output
