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
from .policy import parse_update
from .probe_headers import parse_probe_headers
from .reader import Reader, shown
from .requirements import parse_requirements
from .server import BridgePolicy, ServerDefinition
from .service import parse_service
from .settings import parse_arguments, parse_credentials, parse_user_config

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

TRANSPORTS = ("streamable-http", "stdio")
SERVES = ("launcher", "http")
_KEYS = (
    "name", "package", "transport", "arguments", "environment", "credentials", "command", "user_config",
    "path", "route", "ports", "require", "retention", "serve", "bridge", "service", "update", "protected",
    "probe_headers",
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
    secret = parse_credentials(reader, credentials)
    definition = ServerDefinition(
        name=name,
        registry_type=package.registry_type,
        identifier=package.identifier,
        version=package.version,
        sha256=package.sha256,
        source=package.source,
        transport=transport,
        arguments=parse_arguments(reader),
        environment=reader.variables("environment"),
        credentials=secret,
        command=reader.text("command", package.rules.command, "mcp-server-time")
        if reader.raw.get("command")
        else None,
        user_config=parse_user_config(reader, package.registry_type),
        path=reader.text("path", _URL_PATH, "/mcp", "/mcp"),
        route=reader.text("route", _URL_PATH, f"/{name}", f"/{name}"),
        ports=_ports(reader),
        require=parse_requirements(reader),
        retention=_retention(reader),
        service=parse_service(reader),
        update=parse_update(reader),
        protected=reader.flag("protected"),
        serve=_serve(reader, transport),
        bridge=_bridge(reader),
        probe_headers=parse_probe_headers(
            reader, transport, secret if secret or credentials is None else None
        ),
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
        update=parse_update(reader),
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
