# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of the controller and a server.json become servers of hosts by the playbooks that all use."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.playbooks.fleet import SECRET, Fleet, box
from tests.support.content import make_folder
from tests.support.wheels import IDENTIFIER

SERVER_JSON = {
    "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    "name": "io.example/box",
    "version": "2.0.0",
    "packages": [
        {
            "registryType": "pypi",
            "identifier": IDENTIFIER,
            "version": "2.0.0",
            "transport": {"type": "streamable-http", "url": "http://127.0.0.1:{--port}/mcp"},
            "packageArguments": [{"type": "named", "name": "--port", "default": "8000", "format": "number"}],
            "environmentVariables": [{"name": "SECRET", "isSecret": True, "isRequired": True}],
        }
    ],
}


def test_an_edited_folder_is_foreseen_and_shipped_and_a_server_json_is_never_seen_by_hosts(
    empty: Fleet, tmp_path: Path
) -> None:
    source = make_folder(tmp_path / "mine", "1.0.0")
    (tmp_path / "server.json").write_text(json.dumps(SERVER_JSON))
    described = {
        key: value for key, value in box("described").items() if key in ("name", "update", "require")
    }
    described["server_json"] = str(tmp_path / "server.json")
    package = {"registry_type": "local", "identifier": str(source), "version": "1.0.0"}
    folders = f"{tmp_path}/bundles"
    with empty.changed(mcp_servers=[box("mine", package=package), described], mcp_release_folder=folders):
        told = empty.run("site", "--limit", "node1").failed()
        assert "(SECRET): it is secret and required, and missing" in told.output
    described["credentials"] = {"SECRET": SECRET}
    with empty.changed(mcp_servers=[box("mine", package=package), described], mcp_release_folder=folders):
        empty.run("site", "--limit", "node1").succeeded()
        assert (empty.serves("node1", "mine"), empty.serves("node1", "described")) == ("1.0.0", "2.0.0")

        (source / "server.py").write_text("import fleet_test_server as it\n\nit.VERSION = 'new'\nit.main()\n")
        foreseen = empty.run("update", "--limit", "node1", "--check", "--diff").succeeded()
        assert foreseen.output.count("serves: mine@1.0.0 (") == 2
        assert empty.serves("node1", "mine") == "1.0.0"
        empty.run("update", "--limit", "node1").succeeded()
        assert empty.serves("node1", "mine") == "new"
        again = empty.run("update", "--limit", "node1").succeeded()
        assert again.recap["node1"]["changed"] == 0
    assert SECRET not in foreseen.output
