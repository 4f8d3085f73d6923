# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a definition, and what an operator is told when it may not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import (
    parse,
    parse_all,
    parse_name,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

GOOD: dict[str, Any] = {
    "name": "everything",
    "package": {
        "registry_type": "npm",
        "identifier": "@modelcontextprotocol/server-everything",
        "version": "2026.8.31",
    },
    "transport": "streamable-http",
    "arguments": ["streamableHttp"],
    "environment": {"PORT": "{port}", "LEVEL": 3},
    "credentials": {"API_TOKEN": "hidden-in-here"},
    "require": {"tools": ["echo"], "calls": [{"tool": "echo", "arguments": {"message": "hi"}}]},
    "update": {"bake": 0, "drain": 5},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    *folders, key = path.split(".")
    place = raw
    for folder in folders:
        place = place[folder]
    place[key] = value
    return raw


def test_a_definition_as_in_the_documentation_is_read() -> None:
    definition = parse(GOOD)
    assert (definition.package, definition.route, definition.path) == (
        "@modelcontextprotocol/server-everything@2026.8.31",
        "/everything",
        "/mcp",
    )
    assert definition.environment["LEVEL"] == "3"
    assert (definition.update.bake, definition.update.ready_timeout) == (0, 60)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("nmae", "x", "unknown key nmae"),
        ("package.verison", "1", "unknown key verison"),
        ("update.bakes", 3, "unknown key bakes"),
        ("require.tool", [], "unknown key tool"),
        ("package.version", "latest", "one exact version"),
        ("package.version", "^1.2.3", "one exact version"),
        ("package.version", "--index-url=http://evil", "one exact version"),
        ("package.version", 2026.10, "Quote it"),
        ("package.identifier", "--registry=http://evil", "is not allowed"),
        ("package.identifier", "../../etc", "is not allowed"),
        ("package.registry_type", "cargo", "npm, pypi"),
        ("transport", "sse", "streamable-http, stdio"),
        ("service", {"memory": "1G"}, "unknown key memory"),
        ("service", {"memory_max": "1G\nUser=root"}, "service.memory_max"),
        ("service", {"cpu_quota": 200}, "service.cpu_quota"),
        ("service", {"tasks_max": -1}, "service.tasks_max"),
        ("service", {"user": "root;"}, "service.user"),
        ("service", {"home": "yes"}, "Give true or false"),
        ("service", {"capabilities": ["net_raw"]}, "Write each like CAP_NET_RAW"),
        ("service", {"writable_paths": ["relative"]}, "Write each like /srv/data"),
        ("service", {"writable_paths": ["/a\nUser=root"]}, "Write each like /srv/data"),
        ("environment", {"A B": "x", "PORT": "{port}"}, "'A B'"),
        ("environment", {"PORT": "{port}", "ON": True}, "environment.ON"),
        ("environment", {"PORT": "8000"}, "{port}"),
        ("arguments", "streamableHttp", "as a list"),
        ("arguments", ["a\0b"], "is not text"),
        ("credentials", ["x"], "no mapping"),
        ("credentials", {"PORT": "1"}, "is in environment too"),
        ("credentials", {"PIN": "123"}, "PIN has fewer than 4 characters"),
        ("path", "mcp", "'mcp' is not allowed"),
        ("path", "/a b", "is not allowed"),
        ("route", "/x|y", "is not allowed"),
        ("ports", [80, 81], "1024 to 65535"),
        ("ports", [3000, 3000], "two different ports"),
        ("command", "../bin/sh", "is not allowed"),
        ("update.bake", -1, "from 0 to"),
        ("update.drain", "soon", "from 0 to"),
        ("update.on_breaking", "ignore", "stop, allow"),
        ("require.calls", [{"arguments": {}}], "Give tool"),
        ("require.calls", [{"tool": "echo", "expect": 3}], "JMESPath"),
    ],
)  # fmt: skip
def test_what_may_not_stand_there_is_named_with_its_server_and_how_to_write_it(
    path: str, value: Any, said: str
) -> None:
    with pytest.raises(FleetError) as caught:
        parse(changed(path, value))
    assert str(caught.value).startswith("everything: read the definition")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../up", "a b", "a;rm -rf", "$(x)", "", ".", "UPPER", "-x", "x-", "a" * 41, "a/b", "ünï", None, 3]
    + ["edge", "probe", "clients", "kept"],
)
def test_a_name_that_could_leave_its_folder_meet_a_shell_or_share_the_fleet_s_own_accounts_is_refused(
    name: Any,
) -> None:
    with pytest.raises(FleetError, match="name"):
        parse(changed("name", name))


def test_a_secret_value_is_in_no_error_and_no_representation() -> None:
    with pytest.raises(FleetError) as caught:
        parse(changed("credentials", {"TOKEN": ["hidden-in-here"]}))
    assert "hidden-in-here" not in str(caught.value)
    assert "hidden-in-here" not in repr(parse(GOOD))


def test_the_configuration_of_what_older_collections_knew_has_not_changed() -> None:
    # Its digest is compared with those in journals: another key would update every server of every host.
    assert sorted(parse(GOOD).configuration()) == [
        "arguments", "command", "credentials", "environment", "path", "service", "transport",
    ]  # fmt: skip


PACKAGES = [
    (
        {"registry_type": "local", "identifier": "servers/x", "version": "1"},
        "package.identifier.*is not allowed",
    ),
    (
        {"registry_type": "local", "identifier": "/srv/my server", "version": "1"},
        "its last part, 'my server'",
    ),
    (
        {"registry_type": "mcpb", "identifier": "https://x.example/a.mcpb", "version": "1"},
        "sha256: it is missing",
    ),
    (
        {
            "registry_type": "mcpb",
            "identifier": "http://x.example/a.mcpb",
            "version": "1",
            "sha256": "0" * 64,
        },
        "package.identifier.*https://example.com",
    ),
    ({"registry_type": "npm", "identifier": "x", "version": "1.0.0", "sha256": "0" * 64}, "npm have none"),
    (
        {"registry_type": "oci", "identifier": "team/weather", "version": "1.0.0"},
        "package.identifier.*registry",
    ),
    ({"registry_type": "oci", "identifier": "r.example/weather", "version": "latest"}, "package.version"),
    ({"registry_type": "local", "identifier": "/srv/x", "version": "1", "sha256": "abc"}, "64 hexadecimal"),
]


@pytest.mark.parametrize(("package", "why"), PACKAGES)
def test_each_kind_of_package_says_what_it_wants(package: dict[str, Any], why: str) -> None:
    with pytest.raises(FleetError, match=why):
        parse({**GOOD, "package": package})


def test_the_name_of_content_is_its_last_part_without_version_and_ending() -> None:
    package = {
        "registry_type": "mcpb",
        "identifier": "https://x.example/a/weather-1.2.0.mcpb?t=1",
        "version": "1.2.0",
    }
    definition = parse({**GOOD, "package": {**package, "sha256": "0" * 64}})
    assert (definition.identifier, definition.source) == ("weather", package["identifier"])


def test_a_changed_argument_changes_the_configuration_and_a_changed_credential_does_not() -> None:
    digest = parse(GOOD).configuration_digest()
    assert parse(changed("arguments", ["sse"])).configuration_digest() != digest
    assert parse(changed("credentials", {"API_TOKEN": "other"})).configuration_digest() == digest
    assert parse(changed("credentials", {"OTHER": "another"})).configuration_digest() != digest


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"route": "/other"}, "name everything"),
        ({"name": "other", "route": "/everything"}, "route /everything"),
        ({"name": "other", "route": "/everything/"}, "route /everything"),
    ],
)
def test_two_servers_with_one_name_or_route_are_refused(second: dict[str, Any], said: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_all([GOOD, {**GOOD, **second}])
    assert said in str(caught.value)


@pytest.mark.parametrize("raw", [None, "x", 3, {"name": "x"}])
def test_definitions_that_are_no_list_are_refused(raw: Any) -> None:
    with pytest.raises(FleetError, match="Write it as a list"):
        parse_all(raw)


@pytest.mark.parametrize("raw", [None, "x", 3, []])
def test_a_definition_that_is_no_mapping_is_refused(raw: Any) -> None:
    with pytest.raises(FleetError, match="as a mapping"):
        parse(raw)


def test_name_and_transport_are_enough_to_take_a_server_away() -> None:
    assert parse_name({"name": "time", "transport": "stdio"}).name == "time"
