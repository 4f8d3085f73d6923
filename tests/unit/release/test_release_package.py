# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are accepted, and what is said when a tool is missing."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools


@pytest.mark.parametrize(
    ("registry_type", "identifier", "version"),
    [
        ("npm", "@modelcontextprotocol/server-memory", "2026.8.31"),
        ("npm", "mcp_server.js", "1.0.0-beta.1+build.5"),
        ("pypi", "mcp-server-time", "2026.8.18"),
        ("pypi", "Zope.Interface", "1!2.0.post1"),
    ],
)
def test_packages_of_the_registries_are_accepted(registry_type: str, identifier: str, version: str) -> None:
    assert "/" not in Package(registry_type, identifier, version).folder


@pytest.mark.parametrize(
    ("registry_type", "identifier", "version", "said"),
    [
        ("cargo", "server", "1.0.0", "registry_type 'cargo' is not known"),
        ("npm", "--prefix=/", "1.0.0", "cannot be the identifier"),
        ("npm", "../../etc", "1.0.0", "cannot be the identifier"),
        ("npm", "@scope/../x", "1.0.0", "cannot be the identifier"),
        ("npm", "git+ssh://host/x", "1.0.0", "cannot be the identifier"),
        ("pypi", "-r", "1.0.0", "cannot be the identifier"),
        ("pypi", "server; rm", "1.0.0", "cannot be the identifier"),
        ("pypi", "server @ file", "1.0.0", "cannot be the identifier"),
        ("npm", "server", "^1.0.0", "not an exact version"),
        ("npm", "server", "../1", "not an exact version"),
        ("npm", "server", "*", "not an exact version"),
        ("pypi", "server", "1.*", "not an exact version"),
        ("pypi", "server", "1.0 --index-url x", "not an exact version"),
        ("pypi", "server", "", "not an exact version"),
    ],
)
def test_what_a_tool_could_read_as_something_else_is_refused(
    registry_type: str, identifier: str, version: str, said: str
) -> None:
    with pytest.raises(FleetError, match=said):
        Package(registry_type, identifier, version)


def test_a_host_without_the_tools_is_told_which_one_and_what_to_do() -> None:
    pypi, npm = Package("pypi", "server", "1.0"), Package("npm", "server", "1.0.0")
    with pytest.raises(
        FleetError, match=r"install pypi server 1\.0: uv is needed, and this host has none\. Ins"
    ):
        Tools().require_pypi(pypi)
    with pytest.raises(FleetError, match="Python is needed, and /no/python is not a program on this host"):
        Tools(uv=sys.executable, python="/no/python").require_pypi(pypi)
    with pytest.raises(FleetError, match="Node.js is needed, and this host has none"):
        Tools().require_npm(npm)
    with pytest.raises(FleetError, match="npm is needed, and this host has none"):
        Tools(node=sys.executable).require_npm(npm)
    with pytest.raises(FleetError, match=r"npm is needed, and /no/npm-cli\.js is not a program"):
        Tools(node=sys.executable, npm=(sys.executable, "/no/npm-cli.js")).require_npm(npm)
