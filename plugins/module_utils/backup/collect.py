# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host goes into a backup, read while others may be at work: nobody is waited for, nobody waits."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..journal.record import Deployment
from ..slot.files import CREDENTIALS, SlotFiles
from ..slot.spec import SlotSpec
from ..update.host import Host, port_of
from .last_good import LastGood, last_good, without_previous
from .members import HEAD, SCHEMA, SERVERS
from .part import ServerPart

_TRIES, _PAUSE = 50, 0.1
_LONGEST_LINE = 64 * 1024
"""Bytes of a line of the audit at most."""


@dataclass(frozen=True)
class Collected:
    """``omitted``: servers of which nothing is in it, and why; ``warnings``: what is missing of the others;
    ``fingerprint``: equal for two that hold the same; ``audit``: the head of the host's audit, by which a
    copy of it that was kept elsewhere can be told from a shortened one."""

    parts: tuple[ServerPart, ...]
    releases: Mapping[str, Path]
    omitted: Mapping[str, str]
    warnings: tuple[str, ...]
    facts: Mapping[str, Any]
    fingerprint: str
    audit: Mapping[str, Any] | None = None

    def texts(self, made: str) -> dict[str, bytes]:
        """The members that are not of a release.

        :param made: when it is made, ISO 8601.
        """
        head = {
            **self.facts,
            "made": made,
            "audit": self.audit,
            "servers": [part.name for part in self.parts],
        }
        parts = {f"{SERVERS}/{part.name}.json": _json(part.to_json()) for part in self.parts}
        return {HEAD: _json(head), **parts}


def collect(host: Host, name: str) -> Collected:
    """Look at all servers of a host.

    :param name: the host's, by which a restore knows whose backup it is.
    :raises FleetError: when a journal or a slot's files cannot be read.
    """
    parts: list[ServerPart] = []
    omitted: dict[str, str] = {}
    warnings: list[str] = []
    for server in host.journal.servers():
        found = _settled_part(host, server, warnings)
        if isinstance(found, str):
            omitted[server] = found
        else:
            parts.append(found)
    facts = {
        "schema": SCHEMA,
        "host": name,
        "target": host.releases.target().to_json(),
        "releases": str(host.layout.releases),
        "data": str(host.layout.data),
    }
    held = (deployment for part in parts for deployment in part.record.slots.values())
    releases = {_below(host, item): Path(item.path) for item in held}
    marks = {part.name: [part.to_json(secrets=False), _written(host, part)] for part in parts}
    fingerprint = hashlib.sha256(_json([facts, marks])).hexdigest()
    audit = _audit_head(host.layout.state / "audit" / "audit.jsonl")
    return Collected(tuple(parts), releases, omitted, tuple(warnings), facts, fingerprint, audit)


def _audit_head(path: Path) -> dict[str, Any] | None:
    """Number and hash of the last line; None where there is no audit, or its end makes no sense."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LONGEST_LINE))
            last = json.loads(stream.read().splitlines()[-1])
        return {"seq": int(last["seq"]), "hash": str(last["hash"])}
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _settled_part(host: Host, server: str, warnings: list[str]) -> ServerPart | str:
    """A server's part; read again when its record changed meanwhile, for then its files may have too."""
    for _try in range(_TRIES):
        record = host.journal.load(server)
        found = last_good(record)
        said: list[str] = []
        part = found if isinstance(found, str) else _part(host, found, said)
        if host.journal.load(server) == record:
            warnings += said
            return part
        time.sleep(_PAUSE)
    raise FleetError(
        "back up its state", f"its record changed {_TRIES} times while it was read",
        "Let the run that is at work on it end, then back up again.", server,
    )  # fmt: skip


def _part(host: Host, found: LastGood, warnings: list[str]) -> ServerPart | str:
    record = found.record
    server, active, previous = record.server, str(record.active), record.previous
    if problem := _lack(host, found, active):
        return problem
    if previous and (problem := _lack(host, found, previous)):
        warnings.append(
            f"{server}: there is no way back in it from {record.slots[active].package}: {problem}"
        )
        record = without_previous(record)
    specs = {slot: _spec(host, found, slot) for slot in record.slots}
    present = {slot: spec for slot, spec in specs.items() if spec is not None}
    if not record.ports:
        return ServerPart(record, present)
    edge = host.edge.file(server)
    port = port_of(record, active)
    numbers = [number for number, target in edge.generations.items() if target.port == port]
    return ServerPart(
        record,
        present,
        route=edge.routes[0] if edge.routes else f"/{server}",
        generation=max(numbers, default=record.generation),
    )


def _lack(host: Host, found: LastGood, slot: str) -> str | None:
    """What a slot lacks that it would have to be started with."""
    deployment = found.record.slots[slot]
    release = host.releases.at(Path(deployment.path)) if deployment.path else None
    if release is None or release.digest != deployment.release:
        return (
            f"the release in {slot} ({deployment.package}) is not known or not whole; an update installs it"
        )
    if host.layout.releases not in release.path.parents:
        return f"the release in {slot} stands elsewhere ({release.path})"
    if _spec(host, found, slot) is None:
        return f"the files of {slot} are not there or cannot be read"
    return None


def _spec(host: Host, found: LastGood, slot: str) -> SlotSpec | None:
    return _files(host, slot in found.kept).read(found.record.server, slot)


def _files(host: Host, kept: bool) -> SlotFiles:
    return host.kept if kept else host.files


def _below(host: Host, deployment: Deployment) -> str:
    return str(Path(deployment.path).relative_to(host.layout.releases))


def _written(host: Host, part: ServerPart) -> list[int]:
    """When credentials were last written: they are in no fingerprint, which lies about in plain text."""
    folders = [files.root / part.name / slot for files in (host.files, host.kept) for slot in part.specs]
    places = [folder / CREDENTIALS for folder in folders]
    return [place.stat().st_mtime_ns for place in places if place.exists()]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
