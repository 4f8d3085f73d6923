# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program of a package is the server, and how it is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.entrypoints import (
    NODE,
    console_scripts,
    default_executable,
    npm_command,
    npm_programs,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import Npm
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools


@pytest.mark.parametrize(
    ("names", "identifier", "chosen"),
    [
        (["anything"], "mcp-server", "anything"),
        (["mcp-server", "other"], "mcp-server", "mcp-server"),
        (["mcp_server", "other"], "mcp-server", "mcp_server"),
        (["server-x", "other"], "@scope/server-x", "server-x"),
        (["Mcp-Server", "other"], "mcp.server", "Mcp-Server"),
        (["mcp-server", "mcp_server"], "mcp-server", None),
        (["first", "second"], "mcp-server", None),
        ([], "mcp-server", None),
    ],
)
def test_the_default_is_the_only_program_or_the_one_named_like_the_package(
    names: list[str], identifier: str, chosen: str | None
) -> None:
    assert default_executable(names, identifier) == chosen


@pytest.mark.parametrize(
    ("described", "programs"),
    [
        ({"name": "server", "bin": "dist/index.js"}, {"server": "dist/index.js"}),
        ({"name": "@scope/server", "bin": "./cli.js"}, {"server": "cli.js"}),
        ({"name": "x", "bin": {"one": "a.js", "@s/two": "/b.js"}}, {"one": "a.js", "two": "b.js"}),
        ({"name": "x", "bin": {"out": "../../../etc/passwd"}}, {}),
        ({"name": "x", "bin": ["strange"]}, {}),
        ({"name": "x"}, {}),
    ],
)
def test_programs_are_read_from_bin(described: dict[str, Any], programs: dict[str, str]) -> None:
    assert npm_programs(described) == programs


@pytest.mark.parametrize(
    ("first_line", "argv"),
    [
        ("#!/usr/bin/env node", (NODE, "cli")),
        ("#!/usr/bin/env node\r", (NODE, "cli")),
        ("#!/usr/local/bin/node --no-warnings", (NODE, "--no-warnings", "cli")),
        ("#!/usr/bin/env -S node --no-warnings -r x", (NODE, "--no-warnings", "-r", "x", "cli")),
        ("#!/usr/bin/env -Snode --trace", (NODE, "--trace", "cli")),
        ("'use strict';", (NODE, "cli")),
        ("", (NODE, "cli")),
        ("#!/bin/sh", ("cli",)),
        ("#!/usr/bin/env bun", ("cli",)),
        ("#!/usr/bin/env -S 'broken", ("cli",)),
    ],
)
def test_a_program_is_started_as_its_first_line_asks_with_the_fleets_own_node(
    first_line: str, argv: tuple[str, ...]
) -> None:
    assert npm_command("cli", first_line) == argv


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[console_scripts]\nMy-Server = my.server:main\nother = x:y [extra]\n", ["My-Server", "other"]),
        ("[gui_scripts]\nwindow = x:y\n", []),
        ("[console_scripts]\n\n[plugins]\na:b = c:d\n", []),
        ("not an ini file", []),
    ],
)
def test_console_scripts_are_read_from_entry_points(text: str, names: list[str]) -> None:
    assert console_scripts(text) == names


def programs_of(release: Path, package_json: bytes) -> dict[str, tuple[str, ...]]:
    """What the package ``box`` has, with this package.json and the file cli.js."""
    home = release / "node_modules" / "box"
    home.mkdir(parents=True)
    (home / "package.json").write_bytes(package_json)
    (home / "cli.js").write_text("#!/usr/bin/env node\n")
    return Npm(Tools(), release / "cache").executables(Package("npm", "box", "1.0.0"), release)


def test_a_package_json_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    data = json.dumps({"name": "box", "bin": "cli.js"}).encode("utf-8-sig")
    assert list(programs_of(tmp_path, data)) == ["box"]


@pytest.mark.parametrize("data", [b"[1]", b"[" * 100_000, b"{"], ids=["a list", "nested without end", "cut"])
def test_a_package_json_that_is_no_object_is_refused_with_the_packages_name(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(FleetError, match="package.json of npm box 1.0.0: it is no JSON object"):
        programs_of(tmp_path, data)
