# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where it is kept which eras clients used: ``STATE/NAME/eras.json``, beside the journal of the server."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ..edge.eras import Worker
from ..effects import Effects
from ..errors import FleetError
from ..flock import acquired
from ..journal.moment import Moment
from .usage import Usage, looked_again

KEEP_EVERY = 600.0
"""Seconds after which a look is kept that found nothing new: it says until when nothing went unseen."""


class Counting(Protocol):
    """An edge, as far as this is concerned."""

    def eras(self) -> tuple[Worker, ...]:
        """What each of its processes has counted, the present one first."""


class Ledger:
    """What is known of the clients of this host's servers.

    :param now: gives the present point in time.
    """

    def __init__(self, effects: Effects, state: Path, edge: Counting, now: Callable[[], Moment]) -> None:
        self._effects = effects
        self._state = state
        self._edge = edge
        self._now = now

    def look(self, servers: Sequence[str], keep: bool = True) -> dict[str, Usage]:
        """What is known of each server, after a look at the edge.

        :param keep: write down what is new of a server that has a folder there. Where another look is doing
            so, it is left to that one.
        :raises FleetError: when the edge cannot be asked, or a file cannot be understood or written.
        :raises OSError: when a file cannot be read.
        """
        workers = self._edge.eras()
        return {server: self._look(server, workers, keep) for server in servers}

    def _look(self, server: str, workers: Sequence[Worker], keep: bool) -> Usage:
        kept = keep and self._path(server).parent.is_dir()
        with self._locked(server) if kept else contextlib.nullcontext(False) as mine:
            before = self._read(server)
            usage = looked_again(before, workers, server, self._now())
            if mine and _is_news(before, usage):
                self._effects.write_file(self._path(server), usage.to_json(), 0o600)
            return usage

    def _read(self, server: str) -> Usage | None:
        path = self._path(server)
        try:
            return Usage.from_json(path.read_text())
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise FleetError(
                f"read {path}",
                f"it is damaged or of another version ({error})",
                "Remove it; what is known of the clients begins anew then.",
                server,
            ) from error

    @contextlib.contextmanager
    def _locked(self, server: str) -> Iterator[bool]:
        """Whether this look is the one that writes."""
        descriptor = os.open(self._path(server).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield acquired(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, server: str) -> Path:
        return self._state / server / "eras.json"


def _is_news(before: Usage | None, usage: Usage) -> bool:
    if before is None or before.looked.elapsed(usage.looked) >= KEEP_EVERY:
        return True
    same = replace(usage, looked=before.looked, since=before.since)
    return same.counted != before.counted or _days(same) != _days(before)


def _days(usage: Usage) -> dict[str, object]:
    return {era: use.days for era, use in usage.eras.items()}
