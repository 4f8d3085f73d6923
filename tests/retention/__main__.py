# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run random histories; ends with a line of JSON, and with 1 when something was deleted that was needed."""

from __future__ import annotations

import argparse
import json
import time

from tests.support.command import execute

from .history import History, Tally

STEPS = 60


def run(histories: int, seed: int) -> Tally:
    """So many histories, each from a seed of its own."""
    tally = Tally()
    for number in range(histories):
        History(seed + number, tally).run(STEPS)
    return tally


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.retention")
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    tally = run(given.histories, given.seed)
    for line in tally.wrong[:20]:
        print(line)
    figures = {
        "histories": tally.histories,
        "steps": tally.histories * STEPS,
        "cleanups": tally.cleanups,
        "deleted": tally.deleted,
        "wrong": len(tally.wrong),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures))
    return int(bool(tally.wrong))


if __name__ == "__main__":
    execute(main)
