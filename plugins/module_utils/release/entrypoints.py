# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a package brings, and which of them is the server."""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

RELEASE = "{release}"
"""Stands for the release's own directory in a recorded command."""

NODE = "{node}"
"""Stands for the Node.js that runs it in a recorded command."""


def default_executable(names: Iterable[str], identifier: str) -> str | None:
    """The only program, or the one named like the package; None when that is not clear."""
    found = sorted(names)
    if len(found) == 1:
        return found[0]
    wanted = {_folded(identifier), _folded(identifier.rpartition("/")[2])}
    alike = [name for name in found if _folded(name) in wanted]
    return alike[0] if len(alike) == 1 else None


def _folded(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def npm_programs(package_json: Mapping[str, Any]) -> dict[str, str]:
    """Name to path below the package's directory, from ``bin``; a path that leaves it is not taken."""
    declared = package_json.get("bin")
    if isinstance(declared, str):
        declared = {str(package_json.get("name", "")): declared}
    if not isinstance(declared, dict):
        return {}
    programs = {}
    for name, path in declared.items():
        parts = [part for part in PurePosixPath("/", str(path)).parts[1:] if part != "."]
        base = str(name).rpartition("/")[2]
        if base and parts and ".." not in parts:
            programs[base] = "/".join(parts)
    return programs


def npm_command(path: str, first_line: str) -> tuple[str, ...]:
    """The argv prefix that runs a program at ``path`` as its first line asks for.

    Node.js is called by its own path: a slot's PATH need not have it, nor have the same one.
    """
    if not first_line.startswith("#!"):
        return (NODE, path)
    try:
        words = shlex.split(first_line[2:])
    except ValueError:
        return (path,)
    if words and PurePosixPath(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
        if words and words[0].startswith("-S"):
            words[0] = words[0][2:]
    if words and PurePosixPath(words[0]).name in ("node", "nodejs"):
        return (NODE, *words[1:], path)
    return (path,)


class _CaseSensitive(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def console_scripts(entry_points: str) -> list[str]:
    """The names in the console_scripts section of a distribution's entry_points.txt."""
    parser = _CaseSensitive(delimiters=("=",), strict=False, interpolation=None)
    try:
        parser.read_string(entry_points)
    except configparser.Error:
        return []
    return sorted(parser["console_scripts"]) if parser.has_section("console_scripts") else []
