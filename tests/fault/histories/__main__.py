# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.fault.histories --histories 5000``: run histories; the last line is JSON."""

from __future__ import annotations

import argparse
import json
import random
import time
import traceback

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.command import execute

from .machine import COUNTED, Histories

BATCH = 250
STEPS = 15


def run_batch(histories: int, number: int, shrink: bool = True) -> None:
    """Run so many histories, all told by a number.

    A violation is raised, with a script for it in its notes; with ``shrink`` with the shortest that is found.
    """
    run_state_machine_as_test(
        seed(number)(Histories),
        settings=settings(
            max_examples=histories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=False,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> int:
    """The command; 1 when an invariant was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--keep-going", action="store_true", help="after a violation, too")
    parser.add_argument("--as-found", action="store_true", help="do not look for a shorter script")
    options = parser.parse_args()
    started, violations = time.monotonic(), 0
    print(f"--seed {options.seed}", flush=True)
    for first in range(0, options.histories, BATCH):
        try:
            run_batch(min(BATCH, options.histories - first), options.seed + first, not options.as_found)
        except Exception:
            violations += 1
            print(
                f"violated within the {BATCH} histories from {first}:\n{traceback.format_exc()}", flush=True
            )
            if not options.keep_going:
                break
        seconds = time.monotonic() - started
        print(f"{COUNTED.histories} histories, {COUNTED.steps} steps in {seconds:.0f} s", flush=True)
    result = {
        "histories": COUNTED.histories,
        "steps": COUNTED.steps,
        "crash_points": COUNTED.points,
        "invariant_violations": violations,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(result))
    return 1 if violations else 0


if __name__ == "__main__":
    execute(main)
