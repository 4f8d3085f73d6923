# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the project's own commands end: whatever ends them, what they started ends with them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a command that was interrupted, as a shell has it."""


def execute(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code. SIGTERM and SIGHUP (unless ignored, as by nohup) unwind it as
    Ctrl-C does.

    A shell's background jobs ignore SIGINT, and so would all that is started here and told to end by it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
