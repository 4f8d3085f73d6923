# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run scenarios of extensions/molecule: ``python -m tests.molecule [--where-possible] [NAME …]``.

A line for each with its result and seconds; a scenario that fails does not keep the others from their turn.
In the end, however that comes about, nothing is left of the hosts and of what ran. Ends with 1 when a
scenario failed, and with 2, or 0 with --where-possible, where the lab cannot be; then one line says why.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.lab.command import LabError
from tests.lab.lab import REPOSITORY, Lab
from tests.lab.obstacle import obstacle
from tests.support.command import execute

SCENARIOS = REPOSITORY / "extensions" / "molecule"
LOGS = REPOSITORY / ".work" / "molecule"
ROOT = REPOSITORY / ".work" / "lab-molecule"
"""The scenarios' own lab, as config.yml there names it."""
SHOWN = 60
"""Lines of a failed scenario's log that are shown: its end."""
FIRST = ("deploy", "air_gap", "rollback", "tier", "update")
"""These have the first turns, in this order: the first deployment takes away what others have deployed, the
releases that are shipped must not be there yet, and few have to go back first to what they begin with."""
MARK = "MCPOPS_MOLECULE_RUN"
_UNUSABLE = 2


def names() -> list[str]:
    """All scenarios, in the order of their turns."""
    found = {path.parent.name for path in SCENARIOS.glob("*/molecule.yml")} - {"default"}
    return [*FIRST, *sorted(found.difference(FIRST))]


def run(name: str, environment: dict[str, str]) -> bool:
    """Run one scenario on the hosts that are there; say how it went."""
    log = LOGS / f"{name}.log"
    begun = time.monotonic()
    # Without shared state it neither makes nor takes away hosts.
    command = ["molecule", "test", "--no-shared-state", "--scenario-name", name]
    with log.open("wb") as sink:
        code = subprocess.run(
            command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            start_new_session=True, check=False,
        ).returncode  # fmt: skip
    if code:
        print("\n".join(log.read_text("utf-8", "replace").splitlines()[-SHOWN:]))
    result = f"FAILED: molecule ended with exit code {code}; see {log}" if code else "ok"
    print(f"{name:14}{time.monotonic() - begun:7.1f} s  {result}", flush=True)
    return not code


def end(mark: str, within: float = 10) -> None:
    """End all processes that have the mark in their environment, killing them after ``within`` seconds.

    Ansible gives its workers sessions of their own, and ssh stays for the next connection.
    """
    until = time.monotonic() + within
    number = signal.SIGTERM
    while pids := list(_processes(mark)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(0.2)
        if time.monotonic() > until:
            number = signal.SIGKILL


def _processes(mark: str) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.molecule")
    parser.add_argument("--where-possible", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    known = names()
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"there is no scenario {', '.join(unknown)}; there are: {', '.join(known)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    # Molecule's and Ansible's own folders are the checkout's.
    home = str(REPOSITORY / ".work" / "home" / ".ansible")
    own = {"ANSIBLE_HOME": home, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", MARK: mark}
    lab = Lab(ROOT, os.environ.get("MCPOPS_LAB_PREFIX") or "mcpmol", ROOT / "inventory" / "hosts.yml")
    if reason := obstacle():
        print(f"SKIPPED no scenario was run: {reason}")
        return 0 if given.where_possible else _UNUSABLE
    begun = time.monotonic()
    try:
        lab.up(3, edges=2)
        results = [
            run(name, {**os.environ, **own}) for name in known if name in given.names or not given.names
        ]
    except LabError as error:
        print(f"no scenario was run: {' '.join(str(error).split())}")
        return _UNUSABLE
    finally:
        lab.down()
        end(mark)
        # What was still running may have brought a host up.
        lab.down()
    print(f"{sum(results)} of {len(results)} scenarios passed in {time.monotonic() - begun:.0f} s")
    return int(not all(results))


if __name__ == "__main__":
    execute(main)
