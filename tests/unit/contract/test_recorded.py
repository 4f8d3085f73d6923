# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501
"""Versions of public servers, as they were really offered, get the verdict that a person gave them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.compare import Difference, compare
from ansible_collections.mcpops.fleet.plugins.module_utils.contract.offer import Offer
from tests.contracts.servers import SERVERS, Server


@dataclass(frozen=True)
class Pair:
    """What a person says of an update: ``decides`` is the difference on which it hangs, ``why`` the reasoning."""

    identifier: str
    old: str
    new: str
    verdict: str
    decides: str
    why: str


MODEL = "@modelcontextprotocol/server-"
PAIRS = [
    Pair("mcp-server-time", "2025.8.4", "2026.8.18", "compatible", "readOnlyHint is true now",
         "the same tools and arguments; only promises were added"),
    Pair("mcp-server-time", "2026.8.18", "2026.10.19", "compatible", "era modern is served now",
         "the modern era comes beside the legacy one"),
    Pair("mcp-server-fetch", "2025.4.7", "2026.8.18", "identical", "", "released for what is inside"),
    Pair("mcp-server-fetch", "2026.8.18", "2026.10.24", "compatible", "era modern is served now",
         "exclusive limits became inclusive ones that allow the same integers"),
    Pair("mcp-server-git", "2025.7.1", "2025.12.18", "breaking", "tool git_init is gone",
         "repositories can no longer be made"),
    Pair("mcp-server-git", "2025.12.18", "2026.10.19", "breaking", "git_add: argument files: minItems",
         "an empty list of files was taken, and is refused"),
    Pair("duckduckgo-mcp-server", "0.1.1", "0.5.0", "compatible", "argument backend: is new",
         "arguments were added, all of them optional"),
    Pair("duckduckgo-mcp-server", "0.5.0", "0.7.0", "compatible", "tool expand_link is new", "a tool was added"),
    Pair("mcp-server-calculator", "0.1.1", "0.2.1", "identical", "", "released for what is inside"),
    Pair("excel-mcp-server", "1.1.2", "2.2.2", "breaking", "its output schema is gone",
         "results lost their schema, and arguments can no longer be null"),
    Pair(MODEL + "memory", "2025.4.25", "2025.9.25", "compatible", "allows the same",
         "the schemas are stricter about names that were never described"),
    Pair(MODEL + "memory", "2025.9.25", "2026.1.26", "compatible", "it has an output schema now",
         "another library writes the schemas; results are described now"),
    Pair(MODEL + "memory", "2026.1.26", "2026.8.31", "compatible", "capability resources in the era legacy is new",
         "resources and promises were added"),
    Pair(MODEL + "filesystem", "2025.3.28", "2025.8.21", "compatible", "tool read_media_file is new",
         "tools were added"),
    Pair(MODEL + "filesystem", "2025.8.21", "2025.12.18", "breaking", "create_directory: argument path: is required",
         "the old version offered schemas without any argument, so nobody could rely on one; said to be unsure"),
    Pair(MODEL + "filesystem", "2025.12.18", "2026.8.31", "breaking", "move_file: annotation destructiveHint",
         "a tool that promised to destroy nothing may do so"),
    Pair(MODEL + "sequential-thinking", "2025.7.1", "2025.12.18", "compatible", "it has an output schema now",
         "the limits that the new library writes are those of exact integers, which bind nobody"),
    Pair(MODEL + "sequential-thinking", "2025.12.18", "2026.8.31", "compatible",
         "isRevision: type was boolean, is boolean or string", "arguments are taken in one more way"),
    Pair(MODEL + "everything", "2025.8.18", "2026.1.14", "breaking", "tool add is gone", "tools have other names"),
    Pair(MODEL + "everything", "2026.1.14", "2026.8.31", "compatible", "capability tasks in the era legacy is new",
         "tasks were added"),
    Pair("@upstash/context7-mcp", "1.0.33", "2.0.0", "breaking", "tool get-library-docs is gone",
         "a major version: one tool has another name, the other demands more"),
    Pair("@upstash/context7-mcp", "2.0.0", "2.3.0", "compatible", "readOnlyHint is true now", "promises were added"),
    Pair("@upstash/context7-mcp", "2.3.0", "4.1.1", "compatible", "capability tools.listChanged in the era legacy is gone",
         "changes of the lists are told no more, and no request needs that; the modern era was added"),
]  # fmt: skip


def recorded(server: Server, version: str) -> Offer:
    return Offer.from_json(json.loads(server.file(version).read_text()))


def difference(identifier: str, old: str, new: str) -> Difference:
    server = next(server for server in SERVERS if server.identifier == identifier)
    return compare(recorded(server, old), recorded(server, new))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.identifier} {pair.old} {pair.new}")
def test_an_update_of_a_public_server_is_judged_as_a_person_judges_it(pair: Pair) -> None:
    found = difference(pair.identifier, pair.old, pair.new)
    deciding = [line for line in found.lines() if pair.decides in line]
    assert found.verdict == pair.verdict, "\n".join(found.breaking[:20])
    assert deciding if pair.decides else not found.lines()


def test_every_recorded_pair_is_judged_and_both_registries_have_some() -> None:
    judged = {(pair.identifier, pair.old, pair.new) for pair in PAIRS}
    assert judged == {(server.identifier, *pair) for server in SERVERS for pair in server.pairs()}
    assert len(judged) >= 15
    assert {server.registry_type for server in SERVERS} == {"npm", "pypi"}
