# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bounds an exchange tells the same whoever sees first that the time is over."""

from __future__ import annotations

from threading import Event

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.deadline import pieces, within


class _Dripping:
    """An answer that never ends."""

    def read1(self, n: int = -1, /) -> bytes:
        return b"."


def test_an_exchange_that_sees_itself_that_its_time_is_over_tells_how_long_it_had() -> None:
    with pytest.raises(TimeoutError, match=r"^it did not end within 5 s$"):
        within(5, lambda until: list(pieces(_Dripping(), until - 5, 2**20)))


def test_an_exchange_that_is_given_up_from_without_tells_how_long_it_had() -> None:
    with pytest.raises(TimeoutError, match=r"^it did not end within 0\.1 s$"):
        within(0.1, lambda until: Event().wait(10))


def test_a_wait_that_the_exchange_itself_bounds_keeps_its_own_words() -> None:
    def refused(until: float) -> None:
        raise TimeoutError("the name server did not answer")

    with pytest.raises(TimeoutError, match="name server"):
        within(5, refused)
