# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End what runs that were cut off have left on this host: ``--config host.json --after 900``.

Besides it writes down which eras clients use at the edge. A line for each server on which something is under
way, with a priority for journald (sd-daemon(3)). Ends with 1 when something could not be ended; it stays as
it is then, and is tried again the next time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..definition.kept import restored
from ..definition.server import ServerDefinition
from ..edge.edge import Edge
from ..edge.runtime import Runtime
from ..effects import Effects
from ..eras.ledger import Ledger
from ..errors import FleetError
from ..host.layout import Layout, read_layout
from ..journal.journal import Journal, LockHeld
from ..journal.moment import Moment
from ..journal.record import Record
from .judge import described, judge

ERROR, WARNING, NOTICE = 3, 4, 5


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="mcp-recover")
    parser.add_argument("--config", type=Path, required=True, help="host.json, as the role host wrote it")
    parser.add_argument("--after", type=float, required=True, help="seconds without progress; 0: never")
    given = parser.parse_args()
    # As in a run: files say by themselves who may read them.
    os.umask(0o022)
    try:
        layout = read_layout(given.config)
    except FleetError as error:
        return _say(ERROR, str(error))
    servers = Journal(Effects(), layout.state).servers()
    # One may have to wait for its sessions; the others are not to wait for that one.
    with ThreadPoolExecutor(max_workers=max(1, len(servers))) as pool:
        return max(pool.map(lambda server: _look_after(layout, server, given.after), servers), default=0)


def _look_after(layout: Layout, server: str, after: float) -> int:
    """Do for one server what there is to do, and say so; 1 when that failed."""
    try:
        record = Journal(Effects(), layout.state).load(server)
        if record.ports:
            _note_eras(layout, server)
        verdict = judge(record, Moment.now(), after)
        if record.transaction is None or verdict is None:
            return 0
        found = f"{server}: {described(record, record.transaction)}; {verdict.why}"
        if not verdict.due:
            return _say(WARNING if verdict.forgotten else NOTICE, found)
        try:
            definition = restored(record.transaction.definition or {})
        except (ValueError, TypeError, KeyError):
            foreign = "another version of the collection began it: left to the next run"
            return _say(WARNING, f"{found}, but {foreign}")
        return _recover(layout, definition, after, verdict.why, found)
    except FleetError as error:
        return _say(ERROR, str(error.on(server)))
    except OSError as error:
        return _say(ERROR, f"{server}: {error}")


def _note_eras(layout: Layout, server: str) -> None:
    """Write down which eras clients use: HAProxy forgets it when it is started anew.

    What cannot be read is not reported here: it shows as time of which nothing is known.
    """
    effects = Effects()
    edge = Edge(
        effects, layout.edge.maps, Runtime(effects, layout.edge.socket), Runtime(effects, layout.edge.master)
    )
    with contextlib.suppress(FleetError, OSError):
        Ledger(effects, layout.state, edge, Moment.now).look([server])


def _recover(layout: Layout, definition: ServerDefinition, after: float, why: str, found: str) -> int:
    # Loaded where there is something to do: most of the time there is not.
    from ..audit.account import Who
    from ..update.charge import Charge
    from ..update.converge import Converger
    from ..update.host import open_host
    from ..update.outcome import UpdateFailed

    def due(record: Record) -> bool:
        verdict = judge(record, Moment.now(), after)
        return verdict is not None and verdict.due

    charge = Charge(Who({"user": "mcp-recover"}, reason=why))
    converger = Converger(open_host(layout, Effects()), definition, 0, charge)
    try:
        outcome = converger.recovered(due, f"{why}, and it was not yet proven")
    except LockHeld:
        return _say(NOTICE, f"{found}; another run is at work on it")
    except UpdateFailed as error:
        return _say(ERROR, f"{found}; {error}; {', '.join(error.outcome.after)}")
    if outcome is None:
        return _say(NOTICE, f"{found}; another run went on with it")
    did = {"undo": "undone", "finish": "finished", "remove": "removed"}[outcome.plan.before[-1]]
    return _say(NOTICE, f"{found}; {did}; {', '.join(outcome.after)}")


def _say(priority: int, text: str) -> int:
    line = " ".join(text.split())
    sys.stdout.write(f"<{priority}>{line}\n")
    sys.stdout.flush()
    return int(priority <= ERROR)
