# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore has to do, found out without touching anything: what fits, what is there, what lacks."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..errors import FleetError
from ..journal.record import Record
from ..release.package import Package
from ..release.target import target_from
from ..release.tree import room
from ..update.front import front_of
from ..update.host import Host, port_of
from ..update.ports import taken
from .age import unreadable
from .last_good import LastGood, last_good
from .members import is_interpreter
from .part import ServerPart
from .reading import Contents


@dataclass(frozen=True)
class Plan:
    """``serving``: servers that serve as the backup has them; ``lacking``: those that are to be brought back;
    ``releases``: folders below the releases that are to be placed, each with its package."""

    serving: tuple[ServerPart, ...]
    lacking: tuple[ServerPart, ...]
    releases: dict[str, Package]

    def lines(self) -> list[str]:
        """What would be done."""
        placed = [f"place the release {name}" for name in sorted(self.releases)]
        return [*placed, *(f"bring {_shown(part)} into service" for part in self.lacking)]


def _shown(part: ServerPart) -> str:
    where = f" on port {port_of(part.record, part.slot)} as generation {part.generation}"
    return f"{part.name} ({part.active.package}) in {part.slot}{where if part.record.ports else ''}"


def plan_of(host: Host, contents: Contents, name: str, servers: Collection[str] | None) -> Plan:
    """Look at the backup and at the host.

    :param name: the host whose backup it has to be.
    :param servers: only these; None: all.
    :raises FleetError: when it is another host's, does not fit this one, or this one serves something else
        under the name, on the ports or at the route of a server.
    """
    _require_host(contents, name)
    unknown = sorted(set(servers or ()) - {part.name for part in contents.parts})
    if unknown:
        known = ", ".join(part.name for part in contents.parts)
        raise FleetError(
            f"restore {', '.join(unknown)}", f"the backup has {known or 'no servers'}", "Name those."
        )
    _require_fit(host, contents)
    parts = [part for part in contents.parts if servers is None or part.name in servers]
    for part in parts:
        require_free(host, part)
    serving = tuple(part for part in parts if serves(host, part))
    lacking = tuple(part for part in parts if part not in serving)
    releases = {}
    for deployment in (held for part in parts for held in part.record.slots.values()):
        found = host.releases.at(Path(deployment.path))
        if found is None or found.digest != deployment.release:
            folder = _below(host, contents, deployment.path)
            package = Package(
                deployment.registry_type, deployment.identifier, deployment.version, deployment.sha256
            )
            releases[folder] = package
    plan = Plan(serving, lacking, releases)
    _require_releases(host, contents, plan)
    return plan


def _below(host: Host, contents: Contents, path: str) -> str:
    try:
        return str(Path(path).relative_to(host.layout.releases))
    except ValueError as error:
        raise unreadable(contents.path, f"a release of it stood elsewhere ({path})") from error


def serves(host: Host, part: ServerPart) -> bool:
    """Whether the host serves a server as the backup has it (a pure read)."""
    record = host.journal.load(part.name)
    found = last_good(record)
    if not isinstance(found, LastGood) or found.record != part.record or record.transaction:
        return False
    definition = part.definition(0)
    front = front_of(host, definition, record)
    if front.serving() != part.slot or not front.consistent(part.route):
        return False
    return not record.ports or host.driver.status(part.name, part.slot).state in ("running", "starting")


def require_free(host: Host, part: ServerPart) -> None:
    """:raises FleetError: when this host has something of its own where the server is to be."""
    record = host.journal.load(part.name)
    held = _held(record, part)
    front = front_of(host, part.definition(0), replace_record(record, part))
    stands = host.edge.file(part.name).active if part.record.ports else None
    pointed = None if part.record.ports else front.serving()
    if held or stands not in (None, part.generation) or pointed not in (None, part.slot):
        raise FleetError(
            "restore it", f"this host has it already, and not as the backup has it ({held or 'it serves'})",
            "Nothing was touched. Leave it out (mcp_restore_servers), or remove it first (mcp_update with "
            "state absent).", part.name,
        )  # fmt: skip
    owners = taken(host)
    strangers = {port: owners[port] for port in part.record.ports if owners.get(port, part.name) != part.name}
    if strangers:
        raise FleetError(
            "restore it", f"its port {min(strangers)} belongs to {strangers[min(strangers)]} on this host",
            "Nothing was touched. Leave it out (mcp_restore_servers), or remove that server first.",
            part.name,
        )  # fmt: skip
    if part.route is not None:
        host.edge.refuse_taken(part.name, part.route)


def replace_record(record: Record, part: ServerPart) -> Record:
    """The host's own record, or the backup's where it has none."""
    return record if record.slots else part.record


def _held(record: Record, part: ServerPart) -> str | None:
    """What the host's journal has of a server that is not as in the backup; None when that is nothing."""
    if record.transaction is not None:
        return f"a {record.transaction.kind} of it is under way"
    if not record.slots or record == part.record:
        return None
    found = last_good(record)
    if isinstance(found, LastGood) and found.record == part.record:
        return None
    held = record.slots.get(record.active or "")
    return f"{held.package if held else 'nothing'} in {record.active}, generation {record.generation}"


def _require_host(contents: Contents, name: str) -> None:
    if contents.head["host"] != name:
        raise unreadable(
            contents.path, f"it is of the host {contents.head['host']!r}, not of {name!r}",
            "Nothing was touched. Take a backup of this host; to put that host's servers here, name it in "
            "mcp_restore_host.",
        )  # fmt: skip


def _require_fit(host: Host, contents: Contents) -> None:
    cure = "Nothing was touched. "
    for key, here, variable in (
        ("releases", host.layout.releases, "mcp_root or mcp_releases"),
        ("data", host.layout.data, "mcp_driver and mcp_root"),
    ):
        if contents.head[key] != str(here):
            raise unreadable(
                contents.path, f"its {key} stood in {contents.head[key]}, and this host's are in {here}",
                f"{cure}What is installed works where it was installed: set {variable} as it was.",
            )  # fmt: skip
    made = target_from(contents.head["target"])
    misfit = made.misfit(host.releases.target())
    if misfit:
        raise unreadable(
            contents.path, misfit,
            f"{cure}Give the host what the old one had ({made}), or deploy it anew (site), which installs "
            "releases for what it has.",
        )  # fmt: skip


def _require_releases(host: Host, contents: Contents, plan: Plan) -> None:
    """That each release that lacks is in the backup, and finds the programs that it was installed for."""
    present = {member.release for member in contents.members}
    lost = sorted(set(plan.releases) - present)
    if lost:
        raise unreadable(contents.path, f"it lacks the release {lost[0]}")
    needed = sum(member.size for member in contents.members if member.release in plan.releases)
    if needed > room(host.layout.releases):
        raise unreadable(
            contents.path, f"its releases take {needed / 2**20:.0f} MB, and there is less free on this host",
            "Nothing was touched. Free space, or move the folder to a larger filesystem.",
        )  # fmt: skip
    python = os.path.realpath(host.layout.python)
    for member in contents.members:
        if is_interpreter(member) and os.path.realpath(member.proof) != python:
            raise unreadable(
                contents.path, f"its releases run on {member.proof}, and this host's on {host.layout.python}",
                "Nothing was touched. Install that Python there, and name it in mcp_python.",
            )  # fmt: skip
    for part in plan.lacking:
        for spec in part.specs.values():
            program = Path(spec.argv[0])
            if host.layout.releases not in program.parents and not program.exists():
                raise FleetError(
                    "restore it", f"it is started with {program}, which is not on this host",
                    "Nothing was touched. Install it there (mcp_node names Node.js), or deploy anew (site).",
                    part.name,
                )  # fmt: skip
