# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what stands in an inventory to a ``ServerDefinition``; every doubt is an error that names the key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..errors import FleetError
from ..retention.parse import parse_policy
from .package import parse_package
from .reader import Reader, shown
from .server import BridgePolicy, Call, Requirements, ServerDefinition, UpdatePolicy
from .service import parse_service

_RESERVED = (
    "audit",
    "backup",
    "backups",
    "cleanup",
    "clients",
    "edge",
    "kept",
    "lock",
    "probe",
    "recover",
    "tier",
)
"""Names of the fleet's own accounts, units and folders; a server of that name would share them."""
_NAME = re.compile(rf"(?!(?:{'|'.join(_RESERVED)})\Z)" r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+/?|/")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

TRANSPORTS = ("streamable-http", "stdio")
ERAS = ("modern", "legacy")
SERVES = ("launcher", "http")
_KEYS = (
    "name", "package", "transport", "arguments", "environment", "credentials", "command", "user_config",
    "path", "route", "ports", "require", "retention", "serve", "bridge", "service", "update", "protected",
)  # fmt: skip


def parse(raw: Any, credentials: Mapping[str, Any] | None = None) -> ServerDefinition:
    """Check one definition.

    :param raw: the mapping from the inventory; ``credentials`` in it or beside it.
    :raises FleetError: naming the server, the key, what is wrong with it and how to write it.
    """
    name = raw.get("name") if isinstance(raw, Mapping) else None
    server = name if isinstance(name, str) and _NAME.fullmatch(name) else f"server {name!r}"
    reader = Reader(server, "", raw, _KEYS)
    name = reader.text(
        "name", _NAME, f"time (small letters, digits and -, at most 40; not {', '.join(_RESERVED)})"
    )
    package = parse_package(server, reader.raw.get("package"))
    transport = reader.choice("transport", "", TRANSPORTS)
    definition = ServerDefinition(
        name=name,
        registry_type=package.registry_type,
        identifier=package.identifier,
        version=package.version,
        sha256=package.sha256,
        source=package.source,
        transport=transport,
        arguments=_arguments(reader),
        environment=reader.variables("environment"),
        credentials=_credentials(reader, credentials),
        command=reader.text("command", package.rules.command, "mcp-server-time")
        if reader.raw.get("command")
        else None,
        user_config=_user_config(reader, package.registry_type),
        path=reader.text("path", _URL_PATH, "/mcp", "/mcp"),
        route=reader.text("route", _URL_PATH, f"/{name}", f"/{name}"),
        ports=_ports(reader),
        require=_require(reader),
        retention=_retention(reader),
        service=parse_service(reader),
        update=_update(reader),
        protected=reader.flag("protected"),
        serve=_serve(reader, transport),
        bridge=_bridge(reader),
    )
    _check_port_is_told(reader, definition)
    return definition


def parse_name(raw: Any, credentials: Mapping[str, Any] | None = None) -> ServerDefinition:
    """What is enough to take a server away: its name and transport; the times of ``update`` where given.

    :raises FleetError: as ``parse`` does.
    """
    if isinstance(raw, Mapping) and "package" in raw:
        return parse(raw, credentials)
    reader = Reader(f"server {raw.get('name')!r}" if isinstance(raw, Mapping) else "server", "", raw, _KEYS)
    return ServerDefinition(
        name=reader.text("name", _NAME, "time"),
        registry_type="",
        identifier="",
        version="",
        transport=reader.choice("transport", "", TRANSPORTS),
        update=_update(reader),
        protected=reader.flag("protected"),
        serve=_serve(reader, str(reader.raw.get("transport"))),
    )


def parse_all(raws: Any) -> list[ServerDefinition]:
    """Check all definitions of a host, and that no two share a name, a route or a port."""
    if isinstance(raws, (str, bytes, Mapping)) or not isinstance(raws, Sequence):
        raise FleetError("read mcp_servers", f"it is {shown(raws)}", "Write it as a list of definitions.")
    definitions = [parse(raw) for raw in raws]
    _check_unique("name", [(item.name, item.name) for item in definitions])
    _check_unique("route", [(item.route.rstrip("/"), item.name) for item in definitions if item.over_http])
    _check_unique("port", [(str(port), item.name) for item in definitions for port in item.ports or ()])
    return definitions


def _check_unique(what: str, owned: Sequence[tuple[str, str]]) -> None:
    owners: dict[str, str] = {}
    for value, owner in owned:
        if value in owners:
            raise FleetError(
                f"read mcp_servers, {what} {value}", f"{owners[value]} and {owner} both have it",
                f"Give each server a {what} of its own.", owner,
            )  # fmt: skip
        owners[value] = owner


def _arguments(reader: Reader) -> tuple[str, ...]:
    values = reader.sequence("arguments")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value):
            raise reader.complaint("arguments", f"{shown(value)} is not text", "Quote it.")
    return tuple(str(value) for value in values)


def _user_config(reader: Reader, registry_type: str) -> dict[str, Any]:
    """What an mcpb lets its user configure; whether it knows such a setting is seen when it is there."""
    raw = reader.raw.get("user_config") or {}
    if raw and registry_type != "mcpb":
        raise reader.complaint("user_config", f"packages of {registry_type} have none", "Leave it out.")
    if not isinstance(raw, Mapping) or not all(isinstance(name, str) for name in raw):
        raise reader.complaint("user_config", "it is no mapping", "Write it as NAME: value pairs.")
    for name, value in raw.items():
        several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        if not all(isinstance(each, (str, int, float)) for each in (value if several else [value])):
            raise reader.complaint(
                f"user_config.{name}",
                f"it is {shown(value)}",
                "Give a text, a number, true, false or a list.",
            )
    return dict(raw)


def _credentials(reader: Reader, beside: Mapping[str, Any] | None) -> dict[str, str]:
    inside = reader.raw.get("credentials") or {}
    if not isinstance(inside, Mapping):
        raise reader.complaint("credentials", "it is no mapping", "Write it as NAME: value pairs.")
    raw = {**inside, **(beside or {})}
    credentials = Reader(reader.server, "", {"credentials": raw}, ("credentials",)).variables(
        "credentials", True
    )
    both = sorted(set(credentials) & set(reader.raw.get("environment") or {}))
    if both:
        raise reader.complaint(
            "credentials", f"{', '.join(both)} is in environment too", "Keep it in one of them."
        )
    return credentials


def _ports(reader: Reader) -> tuple[int, int] | None:
    ports = reader.sequence("ports")
    if not ports:
        return None
    if (
        len(ports) != 2
        or ports[0] == ports[1]
        or not all(isinstance(p, int) and not isinstance(p, bool) and 1024 <= p <= 65535 for p in ports)
    ):
        raise reader.complaint(
            "ports",
            f"it is {list(ports)}",
            "Give two different ports from 1024 to 65535: blue's and green's.",
        )
    return ports[0], ports[1]


def _require(reader: Reader) -> Requirements:
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


def _update(reader: Reader) -> UpdatePolicy:
    known = [item.name for item in fields(UpdatePolicy)]
    update = Reader(reader.server, "update", reader.raw.get("update") or {}, known)
    default = UpdatePolicy()
    return UpdatePolicy(
        install_timeout=update.number("install_timeout", default.install_timeout, 1, 7200),
        ready_timeout=update.number("ready_timeout", default.ready_timeout, 1, 3600),
        healthy_threshold=int(update.number("healthy_threshold", default.healthy_threshold, 1, 100)),
        bake=update.number("bake", default.bake, 0, 86400),
        drain=update.number("drain", default.drain, 0, 7 * 86400),
        stop_timeout=update.number("stop_timeout", default.stop_timeout, 0, 600),
        max_error_rate=update.number("max_error_rate", default.max_error_rate, 0, 1),
        on_breaking=update.choice("on_breaking", default.on_breaking, ("stop", "allow")),
        on_description=update.choice("on_description", default.on_description, ("warn", "stop")),
        approved=_approved(update),
        era_in_use=update.number("era_in_use", default.era_in_use, 0, 90),
        drop_eras=_drop_eras(update),
    )


def _approved(update: Reader) -> tuple[str, ...]:
    for digest in update.sequence("approved"):
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise update.complaint(
                "approved", f"{shown(digest)} is no digest of a contract",
                "Copy it from the error or the result, sha256: and 64 hexadecimal digits.",
            )  # fmt: skip
    return tuple(map(str, update.sequence("approved")))


def _drop_eras(update: Reader) -> tuple[str, ...]:
    eras = update.sequence("drop_eras")
    unknown = [era for era in eras if era not in ERAS]
    if unknown:
        raise update.complaint(
            "drop_eras", f"it has {shown(unknown)}", f"Give a list of eras: {', '.join(ERAS)}."
        )
    return tuple(dict.fromkeys(eras))


def _retention(reader: Reader) -> Mapping[str, Any]:
    """Checked here, and read by who cleans up."""
    raw = reader.raw.get("retention")
    if raw is None:
        return {}
    parse_policy(raw, "retention", reader.server)
    return dict(raw)


def _serve(reader: Reader, transport: str) -> str:
    serve = reader.choice("serve", SERVES[0], SERVES)
    if "serve" in reader.raw and transport != "stdio":
        raise reader.complaint(
            "serve", f"transport is {transport}, which is served over HTTP as it is",
            "Leave serve out, or choose transport: stdio.",
        )  # fmt: skip
    return serve


def _bridge(reader: Reader) -> BridgePolicy:
    known = [item.name for item in fields(BridgePolicy)]
    bridge = Reader(reader.server, "bridge", reader.raw.get("bridge") or {}, known)
    if reader.raw.get("bridge") and reader.raw.get("serve") != "http":
        raise reader.complaint(
            "bridge", "the server is not served by one", "Set serve: http, or leave it out."
        )
    default = BridgePolicy()
    return BridgePolicy(
        sessions=int(bridge.number("sessions", default.sessions, 1, 10_000)),
        session_idle=bridge.number("session_idle", default.session_idle, 1, 7 * 86400),
    )


def _check_port_is_told(reader: Reader, definition: ServerDefinition) -> None:
    values = (*definition.arguments, *definition.environment.values(), *definition.user_config.values())
    told = any("{port}" in str(value) for value in values)
    if told and definition.transport == "stdio":
        raise reader.complaint(
            "", "{port} stands in arguments or environment, and a server over stdio listens on none",
            "Leave it out, or choose transport: streamable-http.",
        )  # fmt: skip
    if definition.transport != "stdio" and not told:
        raise reader.complaint(
            "", "nothing in arguments or environment has {port}: both slots would listen on the same port",
            'Tell the server its port, like environment: {PORT: "{port}"} or arguments: [--port, "{port}"].',
        )  # fmt: skip
