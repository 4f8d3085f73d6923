# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.fault.crashes``: something befalls every act; the last line is JSON.

``--every 7`` takes each seventh act, beginning with one that ``--seed`` chooses.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.command import execute
from tests.support.wheels import environment, make_wheels

from .pool import Pool
from .worker import Worker


def enumerate_all(every: int, workers: int, seed: int) -> dict[str, Any]:
    """What was found; progress is printed."""
    started, say = time.monotonic(), threading.Lock()
    folder = Path(tempfile.mkdtemp(prefix="mcp-"))

    def told(line: str) -> None:
        with say:
            print(f"{time.monotonic() - started:5.0f} s  {line}", flush=True)

    try:
        make_wheels(folder / "wheels")
        os.environ.update(environment(folder / "wheels"))
        points = Pool(every, seed, told)
        crew = [Worker(folder, number, points, told) for number in range(workers)]
        with ThreadPoolExecutor(workers) as threads:
            try:
                list(threads.map(Worker.work, crew))
            except BaseException:
                points.clear()
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = [worker.findings for worker in crew]
    return {
        "crash_points": sum(each.points for each in found),
        "recovered": sum(each.recovered for each in found),
        "worst_recovery_s": round(max(each.worst for each in found), 2),
        "invariant_violations": sum(len(each.violations) for each in found),
        "client_failures": sum(worker.failures for worker in crew),
    }


def main() -> int:
    """The command; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take each so-many-th act")
    parser.add_argument("--workers", type=int, default=7)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    random.seed(options.seed)
    figures = enumerate_all(options.every, options.workers, options.seed)
    print(json.dumps(figures))
    return int(bool(figures["invariant_violations"] or figures["client_failures"]))


if __name__ == "__main__":
    execute(main)
