# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe itself: both eras in turn, within one deadline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import FleetError
from .eras import Era, Legacy, Modern, Opening, Wire, judge_silence
from .excerpt import Excerpt
from .http_wire import HttpWire
from .offer import BadList, Offer, read_offer
from .report import ERAS, INCONCLUSIVE, LEGACY, MODERN, NOT_SERVED, SERVED, CallResult, EraProbe, ProbeReport
from .silence import NoReply
from .stdio_wire import StdioWire
from .targets import HttpTarget, Target, ToolCall

_GOODBYE_SHARE = 0.1
_GOODBYE_SECONDS = 1.0
_GRACE_SECONDS = 2.0
_PATIENCE_SECONDS = 3.0
_PATIENCE_FACTOR = 5.0


def probe(
    target: Target, *, timeout: float, calls: Sequence[ToolCall] = (), eras: Sequence[str] = ERAS
) -> ProbeReport:
    """Find out which eras a server speaks, read what it offers in each, and make the calls in each.

    Whatever the peer does ends in a report, within ``timeout`` seconds; a stdio process may take 2.5 s more
    to be ended. The first era has half of the time, the second what is left. Over stdio each has a process
    of its own. Raises FleetError only for a target, call or era that could not be asked of any peer.
    """
    finish = time.monotonic() + timeout
    asked = _check(target, calls, eras)
    over_http = isinstance(target, HttpTarget)
    # A stdio process may say nothing to a message that it does not know. The legacy era goes first there:
    # once it has shown how long this server needs to answer, that silence need not be waited for so long.
    order = asked if over_http else asked[::-1]
    found: dict[str, _Finding] = {}
    for number, era in enumerate(order):
        last = number == len(order) - 1
        times = _Times.of(time.monotonic(), finish, over_http, last)
        if not over_http and LEGACY in found:
            times = times.patient(found[LEGACY].probe)
        found[era] = _visit(target, era, times, calls, with_offer=True)
    settled = _settle(found)
    return ProbeReport(settled[MODERN], settled[LEGACY], asked)


def ping(target: Target, *, timeout: float, era: str) -> EraProbe:
    """Ask only whether a server answers in an era: ``server/discover``, or a handshake and its end.

    Takes ``timeout`` seconds at most, over stdio 2.5 s more. Raises FleetError as ``probe`` does.
    """
    finish = time.monotonic() + timeout
    _check(target, (), (era,))
    times = _Times.of(time.monotonic(), finish, isinstance(target, HttpTarget), last=True)
    return _visit(target, era, times, (), with_offer=False).probe


def _check(target: Target, calls: Sequence[ToolCall], eras: Sequence[str]) -> tuple[str, ...]:
    if not eras or not set(eras) <= set(ERAS):
        raise FleetError(
            f"probe {target.place()} in the eras {', '.join(eras) or 'none'}",
            "not all of them are known",
            f"Ask for {' or '.join(ERAS)}, or for both.",
        )
    target.check()
    for call in calls:
        call.check()
    return tuple(era for era in ERAS if era in eras)


@dataclass(frozen=True)
class _Times:
    """Until when (monotonic) an era's opening is waited for, its work may last, and its end may."""

    opening: float
    work: float
    goodbye: float

    @classmethod
    def of(cls, now: float, finish: float, over_http: bool, last: bool) -> _Times:
        """A fair share of what is left. Ending a session is part of it, ending the last process is not."""
        until = finish if last else now + (finish - now) / 2
        if over_http:
            work = until - min(_GOODBYE_SECONDS, _GOODBYE_SHARE * max(0.0, until - now))
            return cls(work, work, until)
        return cls(until, until, until + (_GRACE_SECONDS if last else (finish - until) / 2))

    def patient(self, legacy: EraProbe) -> _Times:
        """Wait for an opening only several times as long as the legacy era's took."""
        if legacy.outcome != SERVED or legacy.opening_seconds is None:
            return self
        seconds = max(_PATIENCE_SECONDS, _PATIENCE_FACTOR * legacy.opening_seconds)
        return replace(self, opening=min(self.opening, time.monotonic() + seconds))


@dataclass(frozen=True)
class _Finding:
    """``settled_by_other`` as in ``Refusal``."""

    probe: EraProbe
    settled_by_other: bool = False


def _settle(found: dict[str, _Finding]) -> dict[str, EraProbe]:
    """Read an unclear answer in one era in the light of the other."""
    result = {era: EraProbe(era, INCONCLUSIVE, "not asked") for era in ERAS}
    result.update((era, finding.probe) for era, finding in found.items())
    for era, other in ((MODERN, LEGACY), (LEGACY, MODERN)):
        if era in found and found[era].settled_by_other and result[other].outcome == SERVED:
            result[era] = replace(result[era], outcome=NOT_SERVED)
    return result


def _visit(
    target: Target, name: str, times: _Times, calls: Sequence[ToolCall], *, with_offer: bool
) -> _Finding:
    """Open a server in one era, read and call what is asked for, and close it again."""
    started = time.monotonic()
    wire: Wire
    try:
        if isinstance(target, HttpTarget):
            excerpt = Excerpt({**target.headers, **target.hidden})
            wire = HttpWire(target, excerpt, stateful=name == LEGACY)
        else:
            excerpt = Excerpt({**target.environment, **target.hidden})
            wire = StdioWire(target, excerpt)
    except NoReply as silence:
        return _Finding(EraProbe(name, INCONCLUSIVE, silence.detail))
    era: Era = Modern(wire) if name == MODERN else Legacy(wire)
    note = None
    try:
        finding = _converse(era, started, times, calls, excerpt, with_offer)
    finally:
        note = wire.close(times.goodbye)
    if note:
        finding = replace(finding, probe=replace(finding.probe, detail=f"{finding.probe.detail}; {note}"))
    return finding


def _converse(
    era: Era, started: float, times: _Times, calls: Sequence[ToolCall], excerpt: Excerpt, with_offer: bool
) -> _Finding:
    try:
        opening = era.open(times.opening, excerpt)
        seconds = time.monotonic() - started
    except NoReply as silence:
        refusal = judge_silence(silence)
        return _Finding(EraProbe(era.name, refusal.outcome, refusal.detail), refusal.settled_by_other)
    if not isinstance(opening, Opening):
        refused = EraProbe(era.name, opening.outcome, opening.detail, opening_seconds=seconds)
        return _Finding(refused, opening.settled_by_other)
    opened = EraProbe(
        era.name,
        INCONCLUSIVE,
        f"answered as {_who(opening, excerpt)} with {opening.version}",
        protocol_version=opening.version,
        server_info=opening.server_info,
        capabilities=opening.capabilities,
        instructions=opening.instructions,
        opening_seconds=seconds,
    )
    try:
        era.confirm(opening, times.work)
        offer = read_offer(era, opening, times.work, excerpt) if with_offer else None
    except (NoReply, BadList) as trouble:
        return _Finding(replace(opened, detail=f"{opened.detail}, but {trouble}"))
    if offer is None:
        return _Finding(replace(opened, outcome=SERVED))
    return _Finding(
        replace(
            opened,
            outcome=SERVED,
            detail=f"{opened.detail}: {offer.describe()}",
            tools=offer.tools,
            prompts=offer.prompts,
            resources=offer.resources,
            resource_templates=offer.resource_templates,
            calls=tuple(_call(era, call, offer, times.work, excerpt) for call in calls),
        )
    )


def _call(era: Era, call: ToolCall, offer: Offer, until: float, excerpt: Excerpt) -> CallResult:
    schema = next((tool["inputSchema"] for tool in offer.tools if tool["name"] == call.tool), None)
    started = time.monotonic()
    try:
        reply = era.ask("tools/call", {"name": call.tool, "arguments": dict(call.arguments)}, until, schema)
    except NoReply as silence:
        return CallResult(call.tool, None, silence.detail, time.monotonic() - started)
    error = excerpt(reply.error.describe()) if reply.error is not None else None
    return CallResult(call.tool, reply.result, error, time.monotonic() - started)


def _who(opening: Opening, excerpt: Excerpt) -> str:
    name, version = opening.server_info.get("name"), opening.server_info.get("version")
    words = [excerpt(word, 60) for word in (name, version) if isinstance(word, str) and word]
    return " ".join(words) or "a server without a name"
