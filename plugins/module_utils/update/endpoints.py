# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server is asked, and with what: a slot itself, the route at the edge, or the launcher."""

from __future__ import annotations

import os

from ..definition.probe_headers import filled
from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..journal.record import Deployment
from ..protocol.targets import HttpTarget, StdioTarget
from .host import Host


def stdio_target(host: Host, server: str, slot: str) -> StdioTarget:
    """The very command that clients start, as one of them, for a disposable process."""
    as_client = host.layout.unprivileged
    environment = {"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8"} if as_client else dict(os.environ)
    return StdioTarget(
        argv=(*as_client, str(host.launchers.script(server, slot))),
        environment=environment,
        directory="/" if as_client else None,
        hidden=host.secrets(server),
    )


def slot_target(
    host: Host, definition: ServerDefinition, slot: str, address: str, port: int, path: str
) -> HttpTarget:
    """A slot's own endpoint, called by the name by which the edge calls it: some servers accept no other."""
    return HttpTarget(
        url=local_url(address, port, path),
        headers={**_headers(host, definition, slot), "Host": f"localhost:{port}"},
        hidden=host.secrets(definition.name),
    )


def front_target(
    host: Host, definition: ServerDefinition, slot: str | None = None, url: str | None = None
) -> HttpTarget:
    """What clients talk to over HTTP.

    :param slot: the one that answers there; None: the one that serves.
    :param url: in place of the route at this host's edge.
    """
    return HttpTarget(
        url=url or host.layout.edge.url(definition.route),
        headers=_headers(host, definition, slot),
        hidden=host.secrets(definition.name),
    )


def client_target(host: Host, definition: ServerDefinition, slot: str | None) -> HttpTarget | StdioTarget:
    """What clients talk to: the route at the edge, or the command behind the launcher."""
    if definition.over_http:
        return front_target(host, definition, slot)
    if slot is None:
        raise FleetError(
            "start its launcher", "there is none", "Deploy the server first (mcp_update).", definition.name
        )
    return stdio_target(host, definition.name, slot)


def local_url(address: str, port: int, path: str) -> str:
    """The URL of what listens on this host."""
    return f"http://{f'[{address}]' if ':' in address else address}:{port}{path}"


def _headers(host: Host, definition: ServerDefinition, slot: str | None) -> dict[str, str]:
    """The headers that the owner wants to be sent, with the credentials that the slot was started with.

    A slot with another release than the definition's is asked as was said when that one was deployed.
    """
    try:
        record = host.journal.load(definition.name)
    except FleetError:
        return filled(definition.probe_headers, definition.credentials)
    slot = slot or record.active
    held = record.slots.get(slot) if slot else None
    spec = host.files.read(definition.name, slot) if slot else None
    wanted = definition.probe_headers
    if held and held.definition and not _same_release(held, definition):
        wanted = held.definition.get("probe_headers", {})
    return filled(wanted, spec.credentials if spec else definition.credentials)


def _same_release(held: Deployment, definition: ServerDefinition) -> bool:
    return (held.registry_type, held.identifier, held.version, held.sha256) == (
        definition.registry_type,
        definition.identifier,
        definition.version,
        definition.sha256,
    )
