# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for people: aligned text, or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Row = Sequence[str]


def text(columns: Row, rows: Sequence[Row]) -> str:
    """Columns two spaces apart, under their names."""
    lines = [columns, *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + "\n" for line in lines
    )


def markdown(columns: Row, rows: Sequence[Row]) -> str:
    """A table of GitHub's Markdown; what a cell says is text in it, never markup."""
    lines = [columns, ["---"] * len(columns), *([_plain(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


FORMS: Mapping[str, Callable[[Row, Sequence[Row]], str]] = {"text": text, "markdown": markdown}
"""Ways to write a table, by name."""


def _plain(cell: str) -> str:
    for sign in "\\`*_[]<>|":
        cell = cell.replace(sign, f"\\{sign}")
    return " ".join(cell.split())
