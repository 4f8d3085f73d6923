# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy has counted of each era (its table ``eras``), read at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import FleetError
from .runtime import Runtime

KEPT = 20 * 86400.0
"""Seconds for which HAProxy keeps an era that is not used any more (``expire`` of its table)."""

_TABLE = "eras"


@dataclass(frozen=True)
class Counted:
    """One era of one server: requests answered with 2xx and legacy sessions begun since the process started,
    seconds since the last of them, and whether any are under way."""

    requests: int
    sessions: int
    idle: float
    under_way: bool = False


@dataclass(frozen=True)
class Worker:
    """A HAProxy process: its id, seconds since it started, and by server and era what it has counted."""

    process: int
    uptime: float
    servers: Mapping[str, Mapping[str, Counted]]


def workers(runtime: Runtime, master: Runtime | None) -> tuple[Worker, ...]:
    """The process that serves, then those that a reload left with what they had begun.

    :raises FleetError: when HAProxy cannot be asked, or its configuration is of an older collection.
    """
    return (_worker(runtime), *(_left_behind(master) if master else ()))


def _left_behind(master: Runtime) -> list[Worker]:
    found = []
    for line in master.ask("show proc").partition("# old workers")[2].splitlines():
        if line[:1].isdigit():
            try:
                found.append(_worker(master, f"@!{line.split()[0]} "))
            except FleetError:
                # It has ended meanwhile, or had no such table yet.
                continue
    return found


def _worker(runtime: Runtime, prefix: str = "") -> Worker:
    process, uptime = runtime.identity(prefix)
    servers: dict[str, dict[str, Counted]] = {}
    for key, counters in runtime.table(_TABLE, process=prefix).items():
        server, _slash, era = key.rpartition("/")
        servers.setdefault(server, {})[era] = Counted(
            requests=counters["gpc0"],
            sessions=counters["gpc1"],
            idle=max(0.0, KEPT - counters["exp"] / 1000),
            under_way=counters["conn_cur"] > 0,
        )
    return Worker(process, uptime, servers)
