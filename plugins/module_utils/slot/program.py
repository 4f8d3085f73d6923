# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of supervisord's configuration of one slot: its quoting is all of its own."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..errors import FleetError

LOG_BYTES = 5 * 1024 * 1024
"""A log is turned over at this size and one older one is kept, so that a flood cannot fill the disk."""

_COMMENT = re.compile(r"(\s)([;#])")


def program_text(name: str, command: Sequence[str], stop_timeout: float, log: Path) -> bytes:
    """The section ``[program:NAME]``.

    It starts with supervisord, is restarted whenever it ends, and is given up after eleven ends in a row
    within a second of their start, each of which waits a second longer for the next: after about a minute.
    ``stop_timeout`` in seconds is rounded up, as supervisord wants a whole number.

    :raises FleetError: when a path holds a line break, which no quoting of this format can carry.
    """
    values = {
        # supervisord splits the expanded command like a shell would.
        "command": ini_value(shlex.join(command)),
        "autostart": "true",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "10",
        "stopsignal": "TERM",
        "stopwaitsecs": str(math.ceil(stop_timeout)),
        "stopasgroup": "true",
        "killasgroup": "true",
        "umask": "077",
        "redirect_stderr": "true",
        # supervisord 4 expands the log's path twice, once more than anything else.
        "stdout_logfile": ini_value(str(log), expansions=2),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": "1",
    }
    lines = [f"[program:{name}]", *(f"{key} = {value}" for key, value in values.items())]
    return ("\n".join(lines) + "\n").encode()


def ini_value(text: str, expansions: int = 1) -> str:
    """A value that supervisord reads back as exactly this text, after expanding it so many times.

    A percent sign is doubled for each expansion. A ; or # after white space would begin a comment and has
    no escape: an expansion that yields nothing is put between them.
    """
    if re.search(r"[\r\n]", text):
        tried = f"write {text!r} into supervisord's configuration"
        raise FleetError(tried, "it holds a line break", "Rename that folder.")
    return _COMMENT.sub(r"\1%(here).0s\2", text.replace("%", "%%" * 2 ** (expansions - 1)))
