# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands on a host end, or are ended, whatever the kernel offers to wait with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError


@pytest.fixture(params=["pidfd", "no such call", "refused"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    def refuse(_pid: int) -> int:
        raise OSError("not permitted here")

    if request.param == "no such call":
        monkeypatch.delattr(os, "pidfd_open")
    if request.param == "refused":
        monkeypatch.setattr(os, "pidfd_open", refuse)
    return str(request.param)


@pytest.mark.usefixtures("kernel")
def test_a_command_gives_its_exit_code_and_what_it_said() -> None:
    program = "import sys; print('said'); print('complained', file=sys.stderr); sys.exit(3)"
    done = Effects().run([sys.executable, "-c", program], timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "complained\n")


@pytest.mark.usefixtures("kernel")
def test_a_command_that_does_not_end_in_time_is_ended_and_named(tmp_path: Path) -> None:
    program = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(FleetError, match="did not end within 2 s"):
        Effects().run([sys.executable, "-c", program], timeout=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.usefixtures("kernel")
def test_a_time_limit_that_is_over_already_ends_a_command_and_one_beyond_counting_lets_it_end() -> None:
    with pytest.raises(FleetError, match="did not end"):
        Effects().run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=-1)
    assert Effects().run([sys.executable, "-c", ""], timeout=3_000_000).returncode == 0


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this Python cannot wait on a process's descriptor")
def test_waiting_for_commands_leaves_no_descriptor_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _time in range(3):
        Effects().run([sys.executable, "-c", ""], timeout=30)
    assert len(os.listdir("/proc/self/fd")) == before
