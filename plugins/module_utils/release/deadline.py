# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds for all of an exchange with a server: how long it takes, and how much comes.

The timeout of Python's clients is for each wait alone. A server that sends a byte now and then, a chain of
redirects and a name with many addresses each make an exchange last as long as they like.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from time import monotonic
from typing import Protocol, TypeVar

_CHUNK = 2**20

T = TypeVar("T")


class TooLarge(Exception):
    """More came than there may be; the text says how much that is."""


class _Over(TimeoutError):
    """The exchange itself saw that its time is over."""


class Answer(Protocol):
    """What an HTTP client opened."""

    def read1(self, n: int = ..., /) -> bytes: ...


def within(seconds: float, exchange: Callable[[float], T]) -> T:
    """What an exchange gives, or raises; at the latest when the time is over.

    It has a thread of its own, as nothing else ends a wait for a name server or for the headers of an answer.
    What is given up goes on in it to its next wait, so ``exchange`` is told when that is and reads with
    ``pieces``.
    :raises TimeoutError: when the time is over.
    """
    until = monotonic() + seconds
    told: Future[T] = Future()

    def run() -> None:
        try:
            told.set_result(exchange(until))
        except BaseException as error:
            told.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    late = TimeoutError(f"it did not end within {max(0.0, seconds):g} s")
    if not wait([told], max(0.0, seconds)).done:
        raise late
    try:
        return told.result()
    except _Over:
        raise late from None


def pieces(answer: Answer, until: float, limit: int) -> Iterator[bytes]:
    """What comes, as it comes: to wait for more than one piece is to wait as long as the server likes.

    :param until: a moment of the monotonic clock.
    :param limit: bytes of all pieces together.
    :raises TimeoutError: with the first piece that comes after that.
    :raises TooLarge: with the first piece that is too much.
    """
    size = 0
    while piece := answer.read1(_CHUNK):
        size += len(piece)
        if monotonic() > until:
            raise _Over("its time is over")
        if size > limit:
            raise TooLarge(f"it is larger than {limit // 2**20} MB")
        yield piece
