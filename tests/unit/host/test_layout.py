# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host.json: read as the role wrote it, or an error that says which role to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.host.layout import EdgeLayout, read_layout


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 9}', '{"schema": 1}', '{"schema": 1, "edge": {}}'])
def test_a_file_that_is_not_the_roles_is_refused_with_the_role_to_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(FleetError, match="Run the role host"):
        read_layout(tmp_path / "host.json")


def test_a_host_that_was_not_prepared_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="Prepare this host with the role host"):
        read_layout(tmp_path / "host.json")


def test_an_ipv6_edge_has_its_address_in_brackets(tmp_path: Path) -> None:
    edge = EdgeLayout(tmp_path, tmp_path, tmp_path, "::1", 8080, 60)
    assert edge.url("/time") == "http://[::1]:8080/time"
