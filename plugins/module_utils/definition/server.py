# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The typed form of one server's definition. Values here have been checked by ``parse``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..slot.sandbox import Sandbox


@dataclass(frozen=True)
class Call:
    """A tool call that must work, with a JMESPath expression that its result must satisfy."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expect: str | None = None


@dataclass(frozen=True)
class Requirements:
    """The owner's contract: what every release of the server has to offer.

    ``schemas``: by tool, its ``input`` that clients send and ``output`` that they read, as JSON Schema.
    """

    tools: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class UpdatePolicy:
    """How an update of this server goes; all times in seconds, but ``era_in_use`` in days. ``approved``:
    digests of contracts that are taken whatever has changed in them."""

    install_timeout: float = 600
    ready_timeout: float = 60
    healthy_threshold: int = 3
    bake: float = 30
    drain: float = 600
    stop_timeout: float = 10
    max_error_rate: float = 0.05
    on_breaking: str = "stop"
    on_description: str = "warn"
    approved: tuple[str, ...] = ()
    era_in_use: float = 7
    drop_eras: tuple[str, ...] = ()


@dataclass(frozen=True)
class BridgePolicy:
    """How a stdio server is served over HTTP: the most sessions at a time, each of which has a process of its
    own, and the seconds after which one that nobody uses is ended."""

    sessions: int = 32
    session_idle: float = 3600


@dataclass(frozen=True)
class ServerDefinition:
    """One MCP server that the fleet runs (the names of the package's parts are server.json's).

    ``source`` is where the controller has the content of a package that is in no registry, ``identifier``
    then its name without the folders; ``sha256`` is of its content, None until somebody has looked at it.
    """

    name: str
    registry_type: str
    identifier: str
    version: str
    transport: str
    sha256: str | None = None
    source: str | None = None
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: str | None = None
    user_config: Mapping[str, Any] = field(default_factory=dict)
    path: str = "/mcp"
    route: str = ""
    ports: tuple[int, int] | None = None
    require: Requirements = field(default_factory=Requirements)
    retention: Mapping[str, Any] = field(default_factory=dict)
    service: Sandbox = field(default_factory=Sandbox)
    update: UpdatePolicy = field(default_factory=UpdatePolicy)
    protected: bool = False
    serve: str = "launcher"
    bridge: BridgePolicy = field(default_factory=BridgePolicy)
    bridge_digest: str = ""
    probe_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def over_http(self) -> bool:
        """Whether the server stands behind the edge (else clients start it by its launcher)."""
        return self.transport == "streamable-http" or self.bridged

    @property
    def bridged(self) -> bool:
        """Whether it speaks stdio, and a bridge (that of ``bridge_digest``) serves it over HTTP."""
        return self.transport == "stdio" and self.serve == "http"

    @property
    def way(self) -> str:
        """How it reaches its clients, for people."""
        return way_of(self.transport, self.serve)

    @property
    def package(self) -> str:
        """The package and version as people write it."""
        content = f" ({self.sha256[:12]})" if self.sha256 else ""
        return f"{self.identifier}@{self.version}{content}"

    def configuration(self) -> dict[str, Any]:
        """What, besides the release, makes a process of this server: changed, it needs an update.

        Credentials are not part of it, so that it can be shown and kept; they are compared by content.
        """
        return {
            # Not there where there is none, so that what older collections deployed is still the same.
            **({"user_config": dict(sorted(self.user_config.items()))} if self.user_config else {}),
            "transport": self.transport,
            "arguments": list(self.arguments),
            "environment": dict(sorted(self.environment.items())),
            "command": self.command,
            "path": self.path if self.over_http else None,
            "credentials": sorted(self.credentials),
            "service": asdict(self.service) if self.over_http else None,
            # Only where there is one: what ran before there were bridges is still the same.
            **(
                {"serve": self.serve, "bridge": asdict(self.bridge), "bridge_digest": self.bridge_digest}
                if self.bridged
                else {}
            ),
        }

    def configuration_digest(self) -> str:
        """sha256 (hex) of the configuration."""
        return hashlib.sha256(json.dumps(self.configuration(), sort_keys=True).encode()).hexdigest()


def way_of(transport: str, serve: str | None) -> str:
    """How a server reaches its clients, for people and for comparison."""
    return "stdio served over HTTP" if (transport, serve) == ("stdio", "http") else transport
