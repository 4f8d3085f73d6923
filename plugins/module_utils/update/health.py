# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's health as its clients see it: through the edge or the launcher, with the owner's contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..contract.hidden import visible
from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..protocol.excerpt import Excerpt
from ..protocol.report import ProbeReport
from ..protocol.targets import HttpTarget
from .endpoints import client_target, front_target
from .host import Host
from .ready import required_calls, unmet


@dataclass(frozen=True)
class Health:
    """One check: what was asked, what came back, and what is wrong with it (None: nothing)."""

    server: str
    target: str
    report: ProbeReport
    problem: FleetError | None

    def to_json(self) -> dict[str, Any]:
        """Its part of a module's result."""
        eras = (self.report.modern, self.report.legacy)
        return {
            "server": self.server,
            "target": self.target,
            "era": self.report.era,
            "eras": {probe.era: {"outcome": probe.outcome, "detail": probe.detail} for probe in eras},
            "tools": sorted(visible(str(tool["name"])) for tool in self.report.best.tools),
            "latency_ms": {
                probe.era: round(probe.opening_seconds * 1000, 3)
                for probe in eras
                if probe.opening_seconds is not None
            },
        }


def check(host: Host, definition: ServerDefinition, url: str | None, timeout: float) -> Health:
    """One probe in both eras, with all lists and required calls.

    :param url: in place of the route at this host's edge.
    :param timeout: seconds for all of it.
    """
    slot = None if definition.over_http else host.launchers.pointed(definition.name)
    target = front_target(host, definition, url=url) if url else client_target(host, definition, slot)
    shown = target.url if isinstance(target, HttpTarget) else f"launcher {definition.name} ({slot})"
    report = host.senses.probe(target, timeout=timeout, calls=required_calls(definition.require))
    away = not url and not _in_service(host, definition.name)
    problem = _problem(definition, shown, report, Excerpt(host.secrets(definition.name)), away)
    return Health(definition.name, shown, report, problem)


def _in_service(host: Host, server: str) -> bool:
    """Whether the host's record says that it serves, or cannot be read."""
    try:
        return host.journal.load(server).active is not None
    except FleetError:
        return True


def _problem(
    definition: ServerDefinition, shown: str, report: ProbeReport, excerpt: Excerpt, away: bool
) -> FleetError | None:
    """:param away: whether the host has it not in service."""
    tried = f"check health at {shown}"
    if report.era is None:
        came_back = report.describe()
        cure = "Start that launcher by hand to see what it says, and how long it takes."
        if away:
            came_back = f"the host has it not in service; what came back: {came_back}"
            cure = "Deploy it (playbook update), or take it out of this host's mcp_servers."
        elif definition.over_http:
            cure = "See the log of its slot, and whether the edge runs."
        return FleetError(tried, came_back, cure, definition.name)
    problem = unmet(report, definition.require, excerpt)
    if problem:
        return FleetError(tried, problem, "Roll back, or correct require.", definition.name)
    return None
