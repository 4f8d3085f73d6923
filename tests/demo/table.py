# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the end of the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def render(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text, the first of them the heading, as a table."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def switches(report: Mapping[str, Any]) -> list[float]:
    """Milliseconds of every switch that a report of ``mcp_update`` has."""
    results = [result for host in report.values() for result in host["servers"].values()]
    return sorted(result["switch_ms"] for result in results if result.get("switch_ms"))


def went_back(report: Mapping[str, Any]) -> list[str]:
    """What was rolled back and why, one sentence each."""
    return [
        f"{host} {server}: {result['problem']}"
        for host, found in report.items()
        for server, result in found["servers"].items()
        if result.get("problem")
    ]
