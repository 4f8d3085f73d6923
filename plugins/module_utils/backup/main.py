# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up this host by a timer: ``--config host.json --host NAME --keep 3 --recipient age1…``.

A line about what was done, with a priority for journald (sd-daemon(3)). Ends with 1 when there is no backup
of what is served now.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..audit.account import Who
from ..effects import Effects
from ..errors import FleetError
from ..host.layout import read_layout
from ..update.host import open_host
from .age import HAS_PYRAGE, Recipients
from .collect import collect
from .keep import keep
from .store import Store

ERROR, WARNING, NOTICE = 3, 4, 5


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="mcp-backup")
    parser.add_argument("--config", type=Path, required=True, help="host.json, as the role host wrote it")
    parser.add_argument("--host", required=True, help="the host's name in the inventory")
    parser.add_argument("--keep", type=int, required=True, help="how many backups stay")
    parser.add_argument("--recipient", action="append", required=True, help="a public key of age")
    given = parser.parse_args()
    os.umask(0o022)
    try:
        return _back_up(given)
    except FleetError as error:
        return _say(ERROR, str(error))
    except OSError as error:
        return _say(ERROR, f"back up this host: {error}")


def _back_up(given: argparse.Namespace) -> int:
    if not HAS_PYRAGE:
        raise FleetError("encrypt a backup", "pyrage is not installed", "Run the role host; it installs it.")
    host = open_host(read_layout(given.config), Effects())
    recipients, collected = Recipients(given.recipient), collect(host, given.host)
    omitted = [f"{server} is not in the backup: {why}" for server, why in collected.omitted.items()]
    for line in (*omitted, *collected.warnings):
        _say(WARNING, line)
    store = Store(host.effects, host.layout.state.parent / "backups", given.host)
    found = store.holding(collected, recipients)
    if found:
        return _say(NOTICE, f"{found.path.name} holds what is served now")
    who = Who({"user": "mcp-backup"}, given.host)
    kept = keep(host, store, collected, recipients, given.keep, who)
    if kept.problem:
        _say(WARNING, f"the backup is not on record, and no old one was removed: {kept.problem}")
    stored = kept.stored
    names = ", ".join(part.name for part in collected.parts) or "no servers"
    return _say(NOTICE, f"{stored.path.name} was made, {stored.size_bytes / 2**20:.1f} MB: {names}")


def _say(priority: int, text: str) -> int:
    line = " ".join(text.split())
    sys.stdout.write(f"<{priority}>{line}\n")
    sys.stdout.flush()
    return int(priority <= ERROR)
