# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happened before, a cleanup takes nothing that is needed, and leaves nothing that is not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.__main__ import STEPS
from tests.retention.history import History, Tally

SEEDS = st.integers(min_value=0, max_value=2**32)


@settings(max_examples=500, deadline=None, database=None)
@given(seed=SEEDS, steps=st.integers(min_value=1, max_value=STEPS))
def test_no_history_ends_with_a_release_deleted_that_is_needed_or_kept_that_is_not(
    seed: int, steps: int
) -> None:
    tally = Tally()
    History(seed, tally).run(steps)
    assert tally.wrong == []
