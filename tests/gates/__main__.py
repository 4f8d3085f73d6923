# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the gates: ``python -m tests.gates [NAME | static | tests …]``; without a name all of them.

All gates run, however many fail; with FAIL_FAST=1 in the environment the first that fails ends the run.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.support.command import execute

from .catalog import static_gates, test_gates
from .gate import Gate, Verdict, judge
from .workplace import Workplace

SHOWN = 300
"""Lines of a failed gate's output that are shown: its end."""

AT_ONCE = 2
"""Quiet gates that run at the same time."""


def chosen(place: Workplace, names: Sequence[str]) -> list[Gate]:
    """The gates of these names, in their own order; raises SystemExit for a name that is none."""
    groups = {"static": static_gates(place), "tests": test_gates(place)}
    everything = [gate for group in groups.values() for gate in group]
    known = {*groups, *(gate.name for gate in everything)}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no such gate: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    wanted = {gate.name for name in names for gate in groups.get(name, [])} | set(names)
    return [gate for gate in everything if gate.name in wanted or not names]


def run(place: Workplace, gates: Sequence[Gate], fail_fast: bool) -> list[Verdict]:
    """Run the gates and tell of each; those after the first failure too, unless ``fail_fast``.

    Gates that show nothing while they run are run two at a time, the others alone. What interrupts it ends
    those that run.
    """
    verdicts: list[Verdict] = []
    interrupt = threading.Event()
    for live, group in itertools.groupby(gates, key=lambda gate: gate.live):
        with ThreadPoolExecutor(1 if live else AT_ONCE) as pool:
            judged = [pool.submit(_judge, place, gate, interrupt) for gate in group]
            try:
                for future in as_completed(judged):
                    verdicts.append(future.result())
                    if verdicts[-1].reason and fail_fast:
                        interrupt.set()
                        return verdicts
            except BaseException:
                interrupt.set()
                raise
            finally:
                for future in judged:
                    future.cancel()
    return verdicts


def _judge(place: Workplace, gate: Gate, interrupt: threading.Event) -> Verdict:
    log = place.logs / f"{gate.name}.log"
    if gate.live:
        print(f"── {gate.name}", flush=True)
    verdict = judge(gate, log, interrupt)
    lines = [f"── {gate.name}"] if not gate.live else []
    if verdict.reason and not gate.live:
        lines += log.read_text("utf-8", "replace").splitlines()[-SHOWN:]
    print("\n".join([*lines, f"   {_result(verdict)} {verdict.seconds:.1f} s"]), flush=True)
    return verdict


def table(gates: Sequence[Gate], verdicts: Sequence[Verdict]) -> str:
    """A line for each gate; one that did not get its turn is named too."""
    judged = {verdict.gate: verdict for verdict in verdicts}
    lines = ["", f"{'gate':<14}{'seconds':>9}  result"]
    for gate in gates:
        verdict = judged.get(gate.name)
        seconds = f"{verdict.seconds:.1f}" if verdict else "-"
        lines.append(f"{gate.name:<14}{seconds:>9}  {_result(verdict) if verdict else 'not run'}")
        lines += [f"{'':<25}{note}" for note in (verdict.notes if verdict else ())]
    return "\n".join(lines)


def _result(verdict: Verdict) -> str:
    return f"FAILED: {verdict.reason}" if verdict.reason else "ok"


def main(names: Sequence[str]) -> int:
    """Exit code 0 only when every gate that was asked for ran and passed."""
    place = Workplace(Path(__file__).resolve().parents[2])
    gates = chosen(place, names)
    place.prepare()
    verdicts = run(place, gates, os.environ.get("FAIL_FAST", "") not in ("", "0"))
    print(table(gates, verdicts))
    return int(len(verdicts) < len(gates) or any(verdict.reason for verdict in verdicts))


if __name__ == "__main__":
    execute(lambda: main(sys.argv[1:]))
