# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a probe found to a contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contract.offer import Offer, check_depth
from ..protocol.excerpt import Excerpt
from ..protocol.report import SERVED, EraProbe, ProbeReport


def offer_of(report: ProbeReport, transport: str, shown: Excerpt) -> Offer:
    """What a probe found, for comparison.

    A server can print the credentials that it was given into its descriptions; they do not get further.

    :raises FleetError: when it is too large or nested too deep to be kept and compared.
    """
    redact = shown.redact
    probes = [probe for probe in (report.modern, report.legacy) if probe.outcome == SERVED]
    for probe in probes:
        for items in (probe.tools, probe.prompts, probe.resources, probe.resource_templates):
            for item in items:
                check_depth(redact(str(next(iter(item.values()), "")))[:60], dict(item))
        check_depth("capabilities", dict(probe.capabilities))
    dual = len(probes) > 1
    return Offer.of(
        report.served,
        capabilities={probe.era: _redacted(dict(probe.capabilities), redact) for probe in probes},
        transport=transport,
        legacy=Offer.of((report.legacy.era,), **_said(report.legacy, redact)) if dual else None,
        **_said(report.best, redact),
    )


def _said(probe: EraProbe, redact: Callable[[str], str]) -> dict[str, Any]:
    """Lists and instructions."""
    return {
        "instructions": redact(probe.instructions or ""),
        "tools": [_redacted(dict(item), redact) for item in probe.tools],
        "prompts": [_redacted(dict(item), redact) for item in probe.prompts],
        "resources": [_redacted(dict(item), redact) for item in probe.resources],
        "resource_templates": [_redacted(dict(item), redact) for item in probe.resource_templates],
    }


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(key): _redacted(inner, redact) for key, inner in value.items()}
    return [_redacted(inner, redact) for inner in value] if isinstance(value, list) else value
