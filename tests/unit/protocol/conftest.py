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

    def present() -> set[str]:
        found = {f"thread {thread.name}" for thread in threading.enumerate()}
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(f"descriptor {entry.name} of {os.readlink(entry)}")
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                found |= {f"process {pid}" for pid in (task / "children").read_text().split()}
        return found

    before = present()
    yield
    left: set[str] = set()
    for _attempt in range(50):
        left = present() - before
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"left behind: {sorted(left)}")
