# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what has to happen, with a limit that only ends a test that has failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0


def wait_for(
    condition: Callable[[], T],
    what: str | Callable[[], object],
    *,
    patience: float = PATIENCE,
    pause: float = 0.02,
) -> T:
    """Look every ``pause`` seconds until the condition holds, and return what it returned.

    :param what: what is waited for, or a function that tells how things are, for the failure.
    :param patience: seconds; also a busy machine is faster.
    :raises AssertionError: when it did not hold in that time.
    """
    deadline = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(
                f"waited {patience:g} s in vain: {what if isinstance(what, str) else what()}"
            )
        time.sleep(pause)
    return found
