# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a record says of releases: which of them are in its care."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from ..journal.record import Deployment, Record
from .scene import Claim


def claims_of(record: Record) -> Iterator[tuple[Deployment, Claim]]:
    """Every deployment that a record names, and why its release stays."""
    transaction, server = record.transaction, record.server
    flight = {transaction.target, transaction.origin} if transaction else set()
    for slot, deployment in record.slots.items():
        if slot == record.active:
            yield deployment, Claim("active", f"{server} runs it")
        elif slot == record.previous:
            yield deployment, Claim("previous", f"a rollback of {server} returns to it")
        elif slot in flight and transaction:
            yield deployment, Claim("in flight", f"the {transaction.kind} of {server} under way needs it")
        else:
            yield deployment, Claim("referenced", f"slot {slot} of {server} has it")
    if transaction and transaction.displaced:
        yield transaction.displaced, Claim("in flight", f"{server} returns to it when its update fails")


def groups_of(record: Record) -> set[str]:
    """The packages that a record names, as groups of items."""
    held = [deployment for deployment, _claim in claims_of(record)]
    return {f"{each.registry_type}/{each.identifier.replace('/', '+')}" for each in held if each.identifier}


def owners_of(records: Iterable[Record], packages: Mapping[str, Iterable[str]]) -> Mapping[str, set[str]]:
    """The servers of each package (as a group of items), by journals and by the inventory's ``packages``."""
    owners: dict[str, set[str]] = defaultdict(set)
    for group, servers in packages.items():
        owners[group] |= set(servers)
    for record in records:
        for group in groups_of(record):
            owners[group].add(record.server)
    return owners


def failed(record: Record) -> str | None:
    """The release, as ``identifier@version``, that the last change of a server went back from."""
    last = record.last
    return last.source if last and last.outcome in ("undone", "rolled back") else None
