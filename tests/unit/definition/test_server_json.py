# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server.json of the registry becomes a plain definition, or an error that names the item and the cure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server_json import plain, required
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
HTTP = {"type": "streamable-http", "url": "http://127.0.0.1:{--port}/api/mcp"}
KEY = {"name": "API_KEY", "isRequired": True, "isSecret": True}


def package(**changes: Any) -> dict[str, Any]:
    return {
        "registryType": "pypi",
        "identifier": "weather-mcp",
        "version": "1.2.0",
        "transport": HTTP,
        **changes,
    }


def document(*packages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "name": "io.example/weather",
        "version": "1.2.0",
        "packages": list(packages),
        **changes,
    }


def told(content: Any, **definition: Any) -> dict[str, Any]:
    """What hosts get of a definition that names this server.json."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    raw = {"name": "weather", "server_json": "/srv/weather/server.json", **definition}
    result: dict[str, Any] = plain(raw, lambda path: data)
    return result


DIRECTORY = {"type": "positional", "valueHint": "dir", "isRequired": True}
WITH = {"type": "named", "name": "--with", "value": "x"}
PORT = {"type": "named", "name": "--port", "default": "8000", "format": "number"}


def test_everything_that_a_server_needs_is_taken_over() -> None:
    arguments = [
        {"type": "positional", "value": "serve"},
        PORT,
        {"type": "named", "name": "--units", "choices": ["metric", "imperial"], "default": "metric"},
        {"type": "named", "name": "--verbose"},
        {"type": "positional", "valueHint": "city", "isRequired": True, "isRepeated": True},
        {"type": "named", "name": "-D", "value": "db={kind}", "variables": {"kind": {"default": "lite"}}},
    ]
    variables = [KEY, {"name": "LOG_LEVEL", "default": "info"}, {"name": "PROXY"}]
    definition = told(
        document(package(packageArguments=arguments, environmentVariables=variables)),
        inputs={"city": ["Oslo", "Bergen"], "--units": "imperial"},
        credentials={"API_KEY": "s3cr3t"},
        arguments=["--last"],
        require={"tools": ["forecast"]},
    )
    assert definition == {
        "name": "weather",
        "package": {"registry_type": "pypi", "identifier": "weather-mcp", "version": "1.2.0"},
        "transport": "streamable-http",
        "path": "/api/mcp",
        "arguments": [
            "serve", "--port={port}", "--units=imperial", "Oslo", "Bergen", "-D", "db=lite", "--last",
        ],
        "environment": {"LOG_LEVEL": "info"},
        "credentials": {"API_KEY": "s3cr3t"},
        "require": {"tools": ["forecast"]},
    }  # fmt: skip
    assert parse(definition).path == "/api/mcp"


def test_the_variables_that_it_requires_are_those_of_the_package_that_is_chosen() -> None:
    wanted = {"name": "REGION", "isRequired": True}
    other = package(registryType="npm", environmentVariables=[wanted])
    content = document(package(environmentVariables=[KEY, wanted, {"name": "PROXY"}]), other)
    raw = {"name": "weather", "server_json": "/srv/server.json", "server_json_package": "pypi"}
    assert required(raw, lambda _path: json.dumps(content).encode()) == ["API_KEY", "REGION"]
    assert required({"name": "weather"}, lambda _path: b"") is None


def test_a_port_in_the_environment_becomes_the_slots_own() -> None:
    transport = {"type": "streamable-http", "url": "http://localhost:{PORT}/mcp"}
    variables = [{"name": "PORT", "default": "3000", "format": "number"}]
    definition = told(document(package(transport=transport, environmentVariables=variables)))
    assert definition["environment"] == {"PORT": "{port}"}
    assert parse(definition).path == "/mcp"


def test_a_switch_is_on_where_inputs_says_so() -> None:
    it = document(
        package(transport={"type": "stdio"}, packageArguments=[{"type": "named", "name": "--fast"}])
    )
    assert told(it)["arguments"] == []
    assert told(it, inputs={"--fast": True})["arguments"] == ["--fast"]


def test_the_package_is_chosen_by_kind_or_number_else_by_preference() -> None:
    stdio = {"type": "stdio"}
    it = document(
        package(registryType="nuget", identifier="Weather"),
        package(
            registryType="mcpb", identifier="https://x.example/w.mcpb", fileSha256="0" * 64, transport=stdio
        ),
        package(transport=stdio),
    )
    assert told(it)["package"]["registry_type"] == "pypi"
    chosen = told(it, server_json_package="mcpb")["package"]
    assert chosen == told(it, server_json_package=1)["package"]
    assert (chosen["sha256"], chosen["identifier"]) == ("0" * 64, "https://x.example/w.mcpb")


def test_the_answer_of_the_registry_is_read_like_the_file_that_a_publisher_wrote() -> None:
    official = {
        "io.modelcontextprotocol.registry/official": {"status": "deprecated", "statusMessage": "use v2"}
    }
    wrapped = {"server": document(package(packageArguments=[PORT])), "_meta": official}
    warned: list[str] = []
    raw = {"name": "weather", "server_json": "/s.json"}
    plain(raw, lambda path: json.dumps(wrapped).encode(), warned.append)
    assert warned == ["weather: /s.json: this version is deprecated (use v2). Look for another."]


@pytest.mark.parametrize(
    ("content", "definition", "why"),
    [
        (b"<html>", {}, "it is no JSON"),
        ([], {}, "no object"),
        (document(package(), **{"$schema": "https://x/schemas/2031-01-01/server.schema.json"}), {},
         "schema.*2031-01-01.*Known are 2025-09-29"),
        (document(package(), **{"$schema": None}), {}, "schema, it is None|it is None"),
        (document(), {}, "no packages, only remotes"),
        (document(package(registryType="nuget")), {}, "0: nuget; none can be run here"),
        (document(package()), {"server_json_package": 3}, "0: pypi; wanted is 3"),
        (document(package(), status="deleted"), {}, "has deleted this version"),
        (document(package(runsOn="mars")), {}, "runsOn, which is not known here"),
        (document(package(transport={"type": "sse", "url": "x"})), {}, "sse, which is not served"),
        (document(package(fileSha256="0" * 64)), {}, "fileSha256.*verified by their registry's hashes"),
        (document(package(version=None)), {}, "version: it is missing"),
        (document(package(environmentVariables=[KEY])), {},
         r"environmentVariables\[0\] \(API_KEY\).*secret and required.*credentials: \{API_KEY"),
        (document(package(environmentVariables=[KEY])), {"environment": {"API_KEY": "s3cr3t"}},
         "secret, and environment is not. Move API_KEY to credentials"),
        (document(package(environmentVariables=[{"name": "CITY", "isRequired": True}])), {},
         "CITY is required and has no value.*environment: {CITY"),
        (document(package(environmentVariables=[{"name": "MODE", "choices": ["a", "b"]}])),
         {"environment": {"MODE": "c"}}, "it is 'c'. Choose one of a, b"),
        (document(package(packageArguments=[DIRECTORY])), {},
         r"packages\[0\].packageArguments\[0\]: dir is required.*inputs: {dir"),
        (document(package(packageArguments=[PORT])), {"inputs": {"--port": "many"}}, "'many'. Give a number"),
        (document(package(packageArguments=[PORT])), {"inputs": {"--prot": 1}}, "inputs.--prot is.*--port"),
        (document(package(packageArguments=[{"type": "named", "name": "--key", "isSecret": True}])),
         {"inputs": {"--key": "s3cr3t"}}, "--key is secret, and everybody on the host sees arguments"),
        (document(package(packageArguments=[{"name": "--x"}])), {}, "It is named or positional"),
        (document(package(runtimeHint="uvx", runtimeArguments=[WITH])), {},
         "uvx would be told --with=x"),
        (document(package()), {"package": {}}, "package stands beside it"),
        (document(package()), {"inputs": ["a"]}, "inputs is no mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_over_is_named_with_the_cure(
    content: Any, definition: dict[str, Any], why: str
) -> None:
    with pytest.raises(FleetError, match=why) as caught:
        told(content, **definition)
    assert str(caught.value).startswith("weather: read /srv/weather/server.json")
    assert "s3cr3t" not in str(caught.value)


def test_a_runtime_that_is_only_told_to_ask_nothing_is_no_obstacle() -> None:
    it = package(runtimeArguments=[{"type": "positional", "value": "-y"}], packageArguments=[PORT])
    assert told(document(it))["arguments"] == ["--port={port}"]


def test_a_definition_without_one_stays_as_it_is() -> None:
    raw = {"name": "weather", "package": {}}
    assert plain(raw, lambda path: b"") is raw


PATH = {"registryType": "local", "identifier": "/srv"}
STDIO = {"type": "stdio"}


def with_variable(**parts: Any) -> dict[str, Any]:
    return document(package(environmentVariables=[{"name": "A", **parts}]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (document(package(), _meta=[1]), "_meta: it is no object"),
        (
            document(package(), _meta={"io.modelcontextprotocol.registry/official": "x"}),
            "registry/official: it is no object",
        ),
        (with_variable(variables=["x"]), "variables: it is no object"),
        (with_variable(value="{x}", variables={"x": "y"}), "variables.x: it is no object"),
        (with_variable(value="b", choices=5), "choices: it is no list"),
        (
            document(package(transport={"type": "streamable-http", "url": "http://[::1"})),
            "transport.url: it cannot be parsed",
        ),
        (b"[" * 100_000, "it is no JSON"),
    ],
)
def test_parts_of_the_wrong_kind_are_named(content: Any, why: str) -> None:
    with pytest.raises(FleetError, match=why):
        told(content)


def test_a_path_of_the_controller_is_taken_only_where_the_definition_asks_for_it() -> None:
    both = document(package(registryType="oci"), package(**PATH))
    assert told(both)["package"]["registry_type"] == "oci"
    with pytest.raises(FleetError, match="its packages are: 0: local"):
        told(document(package(**PATH)))
    assert told(both, server_json_package="local")["package"]["identifier"] == "/srv"
    assert told(both, server_json_package=1)["package"]["identifier"] == "/srv"
    bundle = document(package(registryType="mcpb", identifier="/srv/x.mcpb", fileSha256="0" * 64))
    with pytest.raises(FleetError, match="identifier: it is str '/srv/x.mcpb', a place on the controller"):
        told(bundle)
    assert told(bundle, server_json_package="mcpb")["package"]["identifier"] == "/srv/x.mcpb"


def test_a_relative_path_is_below_the_folder_of_its_server_json() -> None:
    content = document(package(registryType="local", identifier="dist"))
    assert told(content, server_json_package="local")["package"]["identifier"] == "/srv/weather/dist"
    with pytest.raises(FleetError, match="'a/../../x' leads out of the server.json's folder"):
        told(document(package(registryType="local", identifier="a/../../x")), server_json_package="local")


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "PYTHONPATH", "NODE_OPTIONS"])
def test_what_decides_which_code_is_loaded_is_set_by_the_definition_alone(name: str) -> None:
    content = document(package(environmentVariables=[{"name": name, "value": "{data}/evil"}]))
    with pytest.raises(FleetError, match=f"{name}.*which code is loaded.*Give it as environment"):
        told(content)
    assert told(content, environment={name: "/srv/own"})["environment"] == {name: "/srv/own"}


def test_what_podman_reads_is_set_by_the_definition_for_images_and_by_the_file_for_others() -> None:
    variables = [{"name": "STORAGE_CONF", "value": "{data}/evil"}]
    image = package(
        registryType="oci", identifier="example.org/weather:1.2.0", environmentVariables=variables
    )
    del image["version"]
    with pytest.raises(FleetError, match=r"STORAGE_CONF.*which code is loaded"):
        told(document(image))
    assert told(document(package(environmentVariables=variables)))["environment"]
