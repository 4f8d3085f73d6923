# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protection against a probe that does not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


def returns(function: Callable[[], T], timeout: float) -> T:
    """What ``function`` gives; the test fails if it has not returned after ten times its own time limit."""
    result: list[T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            result.append(function())
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout * 10)
    if thread.is_alive():
        pytest.fail(f"did not return within ten times its limit of {timeout} s")
    if trouble:
        raise trouble[0]
    return result[0]
