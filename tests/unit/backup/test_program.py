# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a host's timer runs, without Ansible."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.mcpops.fleet.plugins.lookup.recovery_archive import LookupModule, archive
from tests.unit.backup.conftest import RECIPIENTS


def test_the_program_says_in_a_line_for_journald_what_it_lacks(tmp_path: Path) -> None:
    program = tmp_path / "mcp-backup.pyz"
    program.write_bytes(archive("backup"))
    asked = [sys.executable, "-I", str(program), "--config", str(tmp_path / "host.json"), "--host", "n"]
    asked += ["--keep", "3", "--recipient", *RECIPIENTS.texts]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stderr
    assert done.stdout.startswith(f"<3>read {tmp_path}/host.json: it is not there")


def test_a_program_that_there_is_not_is_refused() -> None:
    with pytest.raises(AnsibleLookupError, match="no program 'nonsense'"):
        LookupModule().run(["nonsense"])
