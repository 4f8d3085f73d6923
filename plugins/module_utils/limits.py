# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which time limits the modules' options may have, alike for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import FleetError

DAY = 86400
"""Seconds; nothing that a module waits for takes longer, and a number above it was meant to be another."""


def require_time_limits(options: Mapping[str, Any], *names: str) -> None:
    """See that these options are seconds in which something can be done.

    :raises FleetError: naming the option, what it is, and what it may be.
    """
    for name in names:
        if not 0 < options[name] <= DAY:
            raise _refused(name, options[name], f"more than 0 and at most {DAY} (a day)")


def require_waits(options: Mapping[str, Any], *names: str) -> None:
    """See that these options are seconds to wait for somebody else, where 0 is not to wait.

    :raises FleetError: as above.
    """
    for name in names:
        if not 0 <= options[name] <= DAY:
            raise _refused(name, options[name], f"from 0 (do not wait) to {DAY} (a day)")


def _refused(name: str, given: float, allowed: str) -> FleetError:
    return FleetError("read the options", f"{name} is {given:.15g}", f"Give seconds, {allowed}.")
