# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness: a slot is ready when MCP traffic says so, in every era, for the contract, N times in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..contract.compare import Difference, compare
from ..contract.offer import Offer
from ..contract.require import disappointment, missing_tools, unfit
from ..definition.server import Requirements, ServerDefinition
from ..eras.known import Known, cure
from ..errors import FleetError
from ..protocol.excerpt import Excerpt
from ..protocol.report import ERAS, EraProbe, ProbeReport
from ..protocol.targets import HttpTarget, StdioTarget, ToolCall
from .endpoints import slot_target, stdio_target
from .gate import rule, several
from .host import Host
from .offered import offer_of

PAUSE = 0.1
"""Seconds between two looks at a slot that is coming up."""
GRACE = 5.0
"""Seconds for which a wrong answer of a server that just started is taken as not yet ready. (Each probe of a
stdio server starts it anew, so that waiting changes nothing there.)"""
SLOWEST_START = 60.0
"""Seconds that one check of a launcher may take, whatever ``ready_timeout`` is: a bake makes several."""
PROBE_TIMEOUT = 15.0
"""Seconds for one probe of both eras."""


def check_timeout(definition: ServerDefinition) -> float:
    """Seconds for one health check. Behind a bridge a session has to wait for a process to start; over a
    launcher each check starts one, which may take as long as it may before it is ready."""
    if not definition.over_http:
        return min(max(PROBE_TIMEOUT, definition.update.ready_timeout), SLOWEST_START)
    return PROBE_TIMEOUT if definition.bridged else 5.0


def probe_timeout(definition: ServerDefinition) -> float:
    """Seconds for one full probe of both eras."""
    return max(PROBE_TIMEOUT, check_timeout(definition))


@dataclass(frozen=True)
class Ready:
    """The proof: what was offered, and where it listens; what its owner should know of it."""

    offer: Offer
    address: str
    warnings: tuple[str, ...] = ()


def unmet(report: ProbeReport, require: Requirements, shown: Excerpt) -> str | None:
    """What of the owner's contract a probe did not find, in any era; None when all is there."""
    for era in report.served:
        problem = _unmet(getattr(report, era), require, shown)
        if problem:
            return problem if len(report.served) == 1 else f"in the era {era} {problem}"
    return None


def _unmet(found: EraProbe, require: Requirements, shown: Excerpt) -> str | None:
    problem = unoffered({str(tool["name"]): tool for tool in found.tools}, require, shown)
    if problem:
        return problem
    for call, answer in zip(require.calls, found.calls):
        problem = disappointment(call.expect, answer.result, answer.error, shown)
        if problem:
            return f"the required call of {call.tool} went wrong: {problem}"
    return None


def unoffered(offered: Mapping[str, Mapping[str, Any]], require: Requirements, shown: Excerpt) -> str | None:
    """Which tool that the owner's contract names is not among those that are offered, or not as it wants."""
    missing = missing_tools(require.tools, list(offered))
    if missing:
        names = ", ".join(offered) or "none"
        return f"it lacks the required tool {', '.join(missing)} (it offers: {shown(names, 300)})"
    for name, wanted in require.schemas.items():
        problems = unfit(wanted, offered.get(name))
        if problems:
            return f"the tool {shown(name, 120)} is not what require.schemas wants: {several(problems)}"
    return None


def required_calls(require: Requirements) -> tuple[ToolCall, ...]:
    """The owner's required calls as a probe makes them."""
    return tuple(ToolCall(call.tool, call.arguments) for call in require.calls)


class Readiness:
    """Waits for one slot to be ready.

    :param baseline: what the release in service offers; None on a first deployment.
    :param quick: for a way back: a release that was proven before has only to answer again.
    :param in_use: which eras clients use.
    """

    def __init__(
        self, host: Host, definition: ServerDefinition, slot: str, port: int | None, path: str,
        baseline: Offer | None, quick: Offer | None = None, in_use: Known | None = None,
    ) -> None:  # fmt: skip
        self._host = host
        self._senses = host.senses
        self._definition = definition
        self._slot = slot
        self._port = port
        self._path = path
        self._baseline = baseline
        self._quick = quick
        self._in_use = in_use
        self._pid: int | None = None
        self.difference: Difference | None = None
        """How the contract differs from the one in service, as far as it was looked at."""
        self.offer: Offer | None = None

    def wait(self) -> Ready:
        """:raises FleetError: with what the slot said or did instead, and the end of its log."""
        deadline = self._senses.monotonic() + self._definition.update.ready_timeout
        if self._quick is not None:
            self._respawned(deadline)
        address = self._listening(deadline)
        target: HttpTarget | StdioTarget = (
            stdio_target(self._host, self._definition.name, self._slot)
            if self._port is None
            else slot_target(self._host, self._definition, self._slot, address, self._port, self._path)
        )
        if self._quick is not None:
            eras = self._quick.eras
            self._answers(target, eras, 1, deadline)
            return Ready(self._quick, address)
        ready = self._proven(target, address, deadline)
        # Each check of a stdio server starts it anew; after the full probe one era says that it starts again.
        eras = ready.offer.eras if self._port is not None else ready.offer.eras[:1]
        self._answers(target, eras, self._definition.update.healthy_threshold - 2, deadline)
        return self._lasting(ready, target, deadline)

    def _failure(self, came_back: str, cure: str) -> FleetError:
        log = self._host.log_tail(self._definition.name, self._slot)
        said = f". Its log ends: {log}" if log else ""
        return FleetError(
            f"bring up {self._definition.package} in {self._slot}"
            + (f" on port {self._port}" if self._port else ""),
            f"{came_back}{said}",
            cure,
            self._definition.name,
        )

    def _respawned(self, deadline: float) -> None:
        """What was proven before and ended since may be about to be started again by itself."""
        while self._port is not None and self._senses.monotonic() < deadline:
            process = self._host.driver.status(self._definition.name, self._slot)
            if process.state != "starting" or process.pid is not None:
                return
            self._senses.sleep(PAUSE)

    def _listening(self, deadline: float) -> str:
        """The address at which the slot's own process accepts connections."""
        if self._port is None:
            return ""
        while True:
            pid = self._alive()
            listener = self._senses.owns_port(pid, self._port)
            if listener:
                return reachable(listener.address)
            if self._senses.monotonic() >= deadline:
                elsewhere = [port for port in self._senses.ports_of(pid) if port != self._port]
                if elsewhere:
                    raise self._failure(
                        f"it listens on port {', '.join(map(str, elsewhere))} instead",
                        "Tell the server its port with {port} in arguments or environment.",
                    )
                raise self._failure(
                    f"it listened on nothing within {self._definition.update.ready_timeout:g} s",
                    "See why it hangs, or raise update.ready_timeout; one that speaks stdio alone wants "
                    "transport: stdio.",
                )
            self._senses.sleep(PAUSE)

    def _alive(self) -> int:
        """The slot's process id.

        :raises FleetError: when it has ended since it was started, even if it was started again.
        """
        process = self._host.driver.status(self._definition.name, self._slot)
        restarted = self._pid is not None and process.pid != self._pid
        if process.state in ("failed", "stopped", "absent") or process.pid is None or restarted:
            raise self._failure(
                f"its process ended by itself ({process.detail or process.state})",
                "See its log; check arguments, environment and credentials.",
            )
        holders = {pid for item in self._senses.listeners(self._port or 0) for pid in item.pids}
        if holders and not self._senses.owns_port(process.pid, self._port or 0):
            raise self._failure(
                f"the port is taken by process {', '.join(map(str, sorted(holders)))}",
                "Stop that process, or give the server other ports.",
            )
        self._pid = process.pid
        return process.pid

    def _proven(
        self,
        target: HttpTarget | StdioTarget,
        address: str,
        deadline: float,
        calls: tuple[ToolCall, ...] | None = None,
        eras: Sequence[str] = ERAS,
    ) -> Ready:
        """The first full probe that satisfies; wrong answers get GRACE, no answers until the deadline."""
        grace = GRACE if self._port is not None else 0.0
        patience = min(deadline, self._senses.monotonic() + grace)
        while True:
            remaining = deadline - self._senses.monotonic()
            report = self._senses.probe(
                target,
                timeout=max(1.0, min(probe_timeout(self._definition), remaining)),
                calls=required_calls(self._definition.require) if calls is None else calls,
                eras=eras,
            )
            problem = self._judge(report)
            if isinstance(problem, Ready):
                return replace(problem, address=address)
            limit = deadline if report.era is None and not report.conclusive else patience
            if self._senses.monotonic() >= limit:
                raise problem
            self._alive_if_slot()
            self._senses.sleep(PAUSE)

    def _lasting(self, ready: Ready, target: HttpTarget | StdioTarget, deadline: float) -> Ready:
        """The same offer once more: one that changes by itself is no contract. What still comes up when a
        server has just started gets GRACE. A stdio server, started for each era, is asked only in those that
        it serves.
        """
        grace = GRACE if self._port is not None else 0.0
        patience = min(deadline, self._senses.monotonic() + grace)
        eras = ERAS if self._port is not None else ready.offer.eras
        while self._definition.update.healthy_threshold > 1:
            again = self._proven(target, ready.address, deadline, calls=(), eras=eras)
            change = compare(ready.offer, again.offer)
            if not change.changes or all(each.of_resource for each in change.changes):
                break
            if self._senses.monotonic() >= patience:
                raise self._failure(
                    f"what it offers changes from one look to the next: {several(tuple(change.lines()))}",
                    "See why; a release is taken once it offers the same twice.",
                )
            ready = again
            self._senses.sleep(PAUSE)
        return ready

    def _alive_if_slot(self) -> None:
        if self._port is not None:
            self._alive()

    def _judge(self, report: ProbeReport) -> Ready | FleetError:
        if report.era is None:
            return self._failure(
                f"it does not speak MCP there: {report.describe()}",
                f"Check path ({self._path}), transport and arguments."
                if self._port
                else "Check transport and arguments.",
            )
        shown = Excerpt(self._host.secrets(self._definition.name))
        problem = unmet(report, self._definition.require, shown)
        if problem:
            return self._failure(problem, "Correct the release or require, whichever is wrong.")
        try:
            self.offer = offer_of(report, self._definition.transport, shown)
        except FleetError as error:
            return self._failure(f"{error.tried}: {error.came_back}", error.cure)
        self.difference = compare(self._baseline, self.offer)
        dropped = [era for era in self._baseline.eras if era not in self.offer.eras] if self._baseline else []
        used = f". {self._in_use.words(dropped)}" if dropped and self._in_use else ""
        objection = self._in_use and self._in_use.objection(dropped, self._definition.update.drop_eras)
        ruling = rule(self.difference, self._definition.update)
        if ruling.problem:
            return self._failure(f"{ruling.problem} ({report.describe()}){used}", ruling.cure)
        if objection:
            return self._failure(objection, cure(dropped))
        return Ready(self.offer, "", ruling.warnings)

    def _answers(
        self, target: HttpTarget | StdioTarget, eras: tuple[str, ...], times: int, deadline: float
    ) -> None:
        """``times`` healthy answers in a row, in every era."""
        healthy = 0
        while healthy < times:
            self._alive_if_slot()
            answers = [
                self._senses.ping(
                    target,
                    timeout=max(
                        1.0, min(check_timeout(self._definition), deadline - self._senses.monotonic())
                    ),
                    era=era,
                )
                for era in eras
            ]
            sick = next((answer for answer in answers if answer.outcome != "served"), None)
            if sick is None:
                healthy += 1
                continue
            healthy = 0
            if self._senses.monotonic() >= deadline:
                raise self._failure(f"it stopped answering: {sick.era}: {sick.detail}", "See its log.")
            self._senses.sleep(PAUSE)


def reachable(address: str) -> str:
    """Where to connect to reach what listens on ``address``."""
    return {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(address, address)
