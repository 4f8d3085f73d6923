# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a probe found to a contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contract.offer import Offer, check_depth
from ..protocol.excerpt import Excerpt
from ..protocol.report import SERVED, ProbeReport


def offer_of(report: ProbeReport, transport: str, shown: Excerpt) -> Offer:
    """What a probe found, for comparison. Where both eras are served, the lists are the modern one's.

    A server can print the credentials that it was given into its descriptions; they do not get further.

    :raises FleetError: when it is too large or nested too deep to be kept and compared.
    """
    best, redact = report.best, shown.redact
    probes = [probe for probe in (report.modern, report.legacy) if probe.outcome == SERVED]
    for items in (best.tools, best.prompts, best.resources, best.resource_templates):
        for item in items:
            check_depth(redact(str(next(iter(item.values()), "")))[:60], dict(item))
    for probe in probes:
        check_depth("capabilities", dict(probe.capabilities))
    return Offer.of(
        report.served,
        capabilities={probe.era: _redacted(dict(probe.capabilities), redact) for probe in probes},
        instructions=redact(best.instructions or ""),
        transport=transport,
        tools=[_redacted(dict(item), redact) for item in best.tools],
        prompts=[_redacted(dict(item), redact) for item in best.prompts],
        resources=[_redacted(dict(item), redact) for item in best.resources],
        resource_templates=[_redacted(dict(item), redact) for item in best.resource_templates],
    )


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(key): _redacted(inner, redact) for key, inner in value.items()}
    return [_redacted(inner, redact) for inner in value] if isinstance(value, list) else value
