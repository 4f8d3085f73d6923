# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that nobody listens at."""

from __future__ import annotations

import contextlib
import random
import socket

RANGE = range(10_000, 23_000)
"""Below those that the kernel gives to clients, one of which could take a port before its server does."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago, all different."""
    found: list[int] = []
    for port in random.Random().sample(RANGE, len(RANGE)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"there are no {count} free ports from {RANGE.start} to {RANGE.stop - 1}")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
