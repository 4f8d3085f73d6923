# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public servers whose contracts are recorded: versions in order, each compared with the one before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Server:
    """A package that offers something without an account; ``{data}`` in its arguments is an empty folder."""

    registry_type: str
    identifier: str
    versions: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def file(self, version: str) -> Path:
        """Where the contract of one version is recorded."""
        return RECORDED / f"{self.registry_type}-{self.identifier.split('/')[-1]}-{version}.json"

    def pairs(self) -> list[tuple[str, str]]:
        """Each version with the one before it."""
        return list(zip(self.versions, self.versions[1:], strict=False))


SERVERS = (
    Server("pypi", "mcp-server-time", ("2025.8.4", "2026.8.18", "2026.10.19")),
    Server("pypi", "mcp-server-fetch", ("2025.4.7", "2026.8.18", "2026.10.24")),
    Server("pypi", "mcp-server-git", ("2025.7.1", "2025.12.18", "2026.10.19")),
    Server("pypi", "duckduckgo-mcp-server", ("0.1.1", "0.5.0", "0.7.0")),
    Server("pypi", "mcp-server-calculator", ("0.1.1", "0.2.1")),
    Server("pypi", "excel-mcp-server", ("1.1.2", "2.2.2"), ("stdio",)),
    Server(
        "npm", "@modelcontextprotocol/server-memory",
        ("2025.4.25", "2025.9.25", "2026.1.26", "2026.8.31"),
    ),
    Server(
        "npm", "@modelcontextprotocol/server-filesystem",
        ("2025.3.28", "2025.8.21", "2025.12.18", "2026.8.31"), ("{data}",),
    ),
    Server(
        "npm", "@modelcontextprotocol/server-sequential-thinking", ("2025.7.1", "2025.12.18", "2026.8.31"),
    ),
    Server(
        "npm", "@modelcontextprotocol/server-everything",
        ("2025.8.18", "2026.1.14", "2026.8.31"), ("stdio",),
    ),
    Server("npm", "@upstash/context7-mcp", ("1.0.33", "2.0.0", "2.3.0", "4.1.1")),
)  # fmt: skip
