# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program of a package is the server, and how it is started."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.entrypoints import (
    NODE,
    console_scripts,
    default_executable,
    npm_command,
    npm_programs,
)


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
