# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text for supervisord, read back by supervisord's own reader."""

# mypy: disable-error-code="import-untyped,unused-ignore"
from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.program import ini_value, program_text

NAMES = [
    "plain",
    "two  words",
    "tab\tbed",
    "semi;colon ;comment ; more",
    "hash#mark #comment",
    "100%",
    "%(program_name)s",
    "%%s",
    "'single'",
    '"double"',
    "back\\slash",
    "$HOME `id`",
    "grüße",
]


@pytest.mark.parametrize("name", NAMES)
def test_supervisord_reads_back_every_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    command = ("/usr/bin/python3", "-I", f"{folder}/mcp-launch", f"{folder}/launch.json")
    (tmp_path / "slot.conf").write_bytes(program_text("time-blue", command, 9.2, folder / "time-blue.log"))
    main = tmp_path / "supervisord.conf"
    main.write_text("[supervisord]\n[include]\nfiles = slot.conf\n")
    options = ServerOptions()
    options.realize(["-c", str(main)])
    (program,) = options.process_group_configs[0].process_configs
    assert tuple(shlex.split(program.command)) == command
    assert program.stdout_logfile == str(folder / "time-blue.log")
    assert (program.name, program.stopwaitsecs, program.umask) == ("time-blue", 10, 0o077)
    assert (program.stopasgroup, program.killasgroup, program.redirect_stderr) == (True, True, True)
    assert program.stdout_logfile_maxbytes * (program.stdout_logfile_backups + 1) < 12 * 1024 * 1024


@pytest.mark.parametrize("text", ["two\nlines", "two\rlines"])
def test_a_line_break_is_refused(text: str) -> None:
    with pytest.raises(FleetError, match="line break"):
        ini_value(text)
