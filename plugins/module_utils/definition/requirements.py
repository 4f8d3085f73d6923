# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``require`` of a definition: what a release has to offer before a client reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .reader import Reader, shown
from .server import Call, Requirements


def parse_requirements(reader: Reader) -> Requirements:
    """What the definition says of it.

    :raises FleetError: naming the key, what is wrong with it and how to write it.
    """
    require = Reader(reader.server, "require", reader.raw.get("require") or {}, ("tools", "calls", "schemas"))
    tools = require.sequence("tools")
    if not all(isinstance(tool, str) and tool for tool in tools):
        raise require.complaint("tools", f"it is {shown(tools)}", "Write it as a list of tool names.")
    calls = []
    for raw in require.sequence("calls"):
        call = Reader(reader.server, "require.calls", raw, ("tool", "arguments", "expect"))
        arguments = call.raw.get("arguments") or {}
        if not isinstance(call.raw.get("tool"), str) or not isinstance(arguments, Mapping):
            raise call.complaint("", f"it is {shown(raw)}", "Give tool (its name) and arguments (a mapping).")
        expect = call.raw.get("expect")
        if expect is not None and not isinstance(expect, str):
            raise call.complaint("expect", f"it is {shown(expect)}", "Give a JMESPath expression, quoted.")
        calls.append(Call(call.raw["tool"], dict(arguments), expect))
    return Requirements(tuple(tools), tuple(calls), _schemas(require))


def _schemas(require: Reader) -> dict[str, dict[str, Any]]:
    """What clients rely on, by tool."""
    raw = require.raw.get("schemas") or {}
    if not isinstance(raw, Mapping):
        raise require.complaint("schemas", f"it is {shown(raw)}", "Write it as TOOL: {input: …, output: …}.")
    found: dict[str, dict[str, Any]] = {}
    for tool, sides in raw.items():
        reader = Reader(require.server, f"require.schemas.{tool}", sides, ("input", "output"))
        for side, schema in sides.items():
            if not isinstance(schema, Mapping):
                raise reader.complaint(
                    side, f"it is {shown(schema)}", "Write it as a JSON Schema (a mapping)."
                )
        found[str(tool)] = {str(side): dict(schema) for side, schema in sides.items()}
    return found
