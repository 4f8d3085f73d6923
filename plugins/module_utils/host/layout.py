# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file ``host.json`` that the role host writes: where things stand on this host, and the tools to use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FleetError, refused

SCHEMA = 1


@dataclass(frozen=True)
class EdgeLayout:
    """HAProxy's sockets, its maps, and the address at which clients of this host reach it."""

    socket: Path
    master: Path
    maps: Path
    address: str
    port: int
    session_idle: float

    def url(self, route: str) -> str:
        """Where clients of this host reach a route."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{address}:{self.port}{route}"


@dataclass(frozen=True)
class AuditLayout:
    """How much of the audit is kept: bytes of a file from which it is put aside, and how many of those."""

    file_bytes: int = 4 * 1024 * 1024
    files: int = 12


@dataclass(frozen=True)
class Layout:
    """Where things stand.

    ``launcher`` is the argv that starts a slot's launch.json; ``ports`` the first and last slot port;
    ``data`` has a folder for each server's own files. ``clients`` is the group whose members start stdio
    servers, beside the fleet's own user; ``unprivileged`` the argv that runs a command as one of them.
    """

    releases: Path
    cache: Path
    state: Path
    slots: Path
    logs: Path
    data: Path
    launchers: Path
    launcher: tuple[str, ...]
    clients: str | None
    unprivileged: tuple[str, ...]
    uv: str
    python: str
    node: str | None
    npm: tuple[str, ...]
    driver: Mapping[str, Any]
    ports: tuple[int, int]
    edge: EdgeLayout
    audit: AuditLayout = AuditLayout()


def read_layout(path: Path) -> Layout:
    """Read ``host.json``.

    :raises FleetError: when the host was not prepared, or by another version of the collection.
    """
    try:
        raw = json.loads(path.read_text())
        if raw["schema"] != SCHEMA:
            raise ValueError(f"its schema is {raw['schema']}, not {SCHEMA}")
        return _layout(raw)
    except FileNotFoundError as error:
        raise FleetError(
            f"read {path}", "it is not there", "Prepare this host with the role host first."
        ) from error
    except OSError as error:
        raise refused(f"read {path}", error) from error
    except (ValueError, TypeError, KeyError) as error:
        raise FleetError(
            f"read {path}", f"{error!r}", "Run the role host again; it rewrites the file."
        ) from error


def _layout(raw: Mapping[str, Any]) -> Layout:
    edge = raw["edge"]
    return Layout(
        **{
            key: Path(raw[key])
            for key in ("releases", "cache", "state", "slots", "logs", "data", "launchers")
        },
        launcher=tuple(raw["launcher"]),
        clients=raw["clients"],
        unprivileged=tuple(raw["unprivileged"]),
        uv=raw["uv"],
        python=raw["python"],
        node=raw["node"],
        npm=tuple(raw["npm"]),
        driver=raw["driver"],
        ports=(int(raw["ports"][0]), int(raw["ports"][1])),
        edge=EdgeLayout(
            socket=Path(edge["socket"]),
            master=Path(edge["master"]),
            maps=Path(edge["maps"]),
            address=edge["address"],
            port=int(edge["port"]),
            session_idle=float(edge["session_idle"]),
        ),
        # Hosts that an older role prepared have none.
        audit=AuditLayout(**{key: int(value) for key, value in raw.get("audit", {}).items()}),
    )
