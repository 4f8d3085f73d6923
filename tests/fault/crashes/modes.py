# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What befalls a node in the middle of an operation, and what somebody restarts then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .place import Done, Place

PATIENCE = 20.0
"""Seconds after which a node that was restarted counts as not coming back."""


def nothing(place: Place) -> None:
    """Nobody has to restart anything."""


def node_anew(place: Place) -> None:
    """The machine lost power: all that ran is gone, and is started from what its disk has kept."""
    place.node.crash()
    place.node.start()


def supervisor_anew(place: Place) -> None:
    """What systemd does for a supervisord that died; its children ended with it."""
    assert place.node.supervisord is not None
    place.node.supervisord.kill()
    place.node.supervisord.wait(PATIENCE)
    place.node.start()


@dataclass(frozen=True)
class Mode:
    """``harm`` is what the operation is given besides the act; ``kills``: the module itself dies.

    ``unnoticed``: whether clients may see nothing of it. ``every``: which share of the acts is taken.
    """

    name: str
    harm: Callable[[Place, int], dict[str, Any]]
    restart: Callable[[Place], None] = nothing
    kills: bool = False
    unnoticed: bool = False
    every: int = 1

    def befell(self, done: Done, at: int) -> bool:
        """Whether the operation got as far as the act: not every one has as many."""
        return done.killed or int((done.last or "0").split()[0]) >= at

    def end(self, done: Done) -> list[str]:
        """What is wrong with how a disturbed operation ended."""
        if done.hung:
            return [str(done.error)]
        died = done.killed and not self.kills
        return ["it died"] if died or "Traceback" in (done.error or "") else []

    def recover(self, place: Place) -> list[str]:
        """Restart what somebody has to, wait for the servers, and say what is wrong right after."""
        self.restart(place)
        until = time.monotonic() + (0 if self.unnoticed else PATIENCE)
        while time.monotonic() < until and not place.is_back():
            time.sleep(0.05)
        return place.wrong_between()


MODES = (
    Mode("killed", lambda place, at: {}, kills=True, unnoticed=True),
    Mode("power lost", lambda place, at: {"power": random.getrandbits(32)}, node_anew, kills=True, every=2),
    Mode("HAProxy killed", lambda place, at: {"victims": place.node.edge_processes()}, every=2),
    Mode(
        "supervisor killed",
        lambda place, at: {"victims": [place.node.supervisor()]},
        supervisor_anew,
        every=2,
    ),
)
