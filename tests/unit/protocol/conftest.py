# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test here is held to this: it leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Fail a test that leaves a descriptor, a thread or a child process."""

    def present() -> tuple[set[str], set[str], set[str]]:
        descriptors = {entry.name for entry in Path("/proc/self/fd").iterdir()}
        threads = {thread.name for thread in threading.enumerate()}
        children: set[str] = set()
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                children |= set((task / "children").read_text().split())
        return {name for name in descriptors if os.path.exists(f"/proc/self/fd/{name}")}, threads, children

    before = present()
    yield
    for _attempt in range(50):
        left = tuple(after - earlier for after, earlier in zip(present(), before, strict=True))
        if not any(left):
            return
        time.sleep(0.02)
    pytest.fail(f"left behind: descriptors, threads, processes {left}")
