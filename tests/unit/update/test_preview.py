# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look ahead gives a package's variables to its server alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server import ServerDefinition
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.kind import Program
from ansible_collections.mcpops.fleet.plugins.module_utils.update.preview import _Preview
from ansible_collections.mcpops.fleet.plugins.module_utils.update.senses import Senses


def test_what_drops_the_privileges_gets_no_variable_that_a_package_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropping = ("/bin/sh", "-c", f'env > {tmp_path}/dropping; exec "$@"', "sh")
    serving = ("/bin/sh", "-c", f"env > {tmp_path}/serving")
    layout = SimpleNamespace(unprivileged=dropping, driver={"name": "systemd"})
    host: Any = SimpleNamespace(
        layout=layout, effects=Effects(), senses=Senses(), bridge=lambda _definition, _port: ()
    )
    definition = ServerDefinition(
        "box", "mcpb", "box", "1", "stdio", environment={"OWN": "in {data}"}, credentials={"KEY": "secret"}
    )
    look = _Preview(host, definition, tmp_path)
    monkeypatch.setattr(look, "_program", lambda: Program(serving, {"LD_DEBUG_OUTPUT": "/steered"}))
    with pytest.raises(FleetError, match="does not speak MCP"):
        look.offer()
    before, after = (dict(_lines(tmp_path / name)) for name in ("dropping", "serving"))
    assert not {"LD_DEBUG_OUTPUT", "OWN"} & before.keys()
    assert after["LD_DEBUG_OUTPUT"] == "/steered" and after["OWN"] == f"in {tmp_path}/data"
    assert after["KEY"] == "secret"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another account")
def test_the_data_folder_of_a_look_ahead_is_its_own_accounts_alone(tmp_path: Path) -> None:
    dropping = ("/usr/bin/setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs", "--")
    layout = SimpleNamespace(unprivileged=dropping, driver={"name": "systemd"})
    host: Any = SimpleNamespace(layout=layout, effects=Effects(), senses=Senses())
    look = _Preview(host, ServerDefinition("box", "mcpb", "box", "1", "stdio"), tmp_path)
    look._make_data()
    found = (tmp_path / "data").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (65534, 0o700)


def _lines(path: Path) -> list[list[str]]:
    return [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line]
