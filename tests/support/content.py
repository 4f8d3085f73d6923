# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test server as a folder, as one's own server stands in a repository."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundle import Bundle
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles, tools_here
from ansible_collections.mcpops.fleet.plugins.module_utils.release.contents import hash_of, located
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target

from .wheels import IDENTIFIER, SOURCE


def make_folder(folder: Path, version: str, faults: str = "{}") -> Path:
    """The test server in this version: server.py, its module, and what tells it its version."""
    described = folder / f"fleet_test_server-{version}.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {IDENTIFIER}\nVersion: {version}\nSummary: {faults}\n"
    )
    (folder / "fleet_test_server.py").write_bytes(SOURCE.read_bytes())
    (folder / "server.py").write_text("from fleet_test_server import main\n\nmain()\n")
    return folder


def make_mcpb(place: Path, folder: Path, version: str, **changes: Any) -> Path:
    """The test server as a bundle of the MCP registry, its module bundled as Python ones are."""
    make_folder(folder / "server" / "lib", version)
    (folder / "server" / "lib" / "server.py").rename(folder / "server" / "main.py")
    config = {
        "command": "python",
        "args": ["${__dirname}/server/main.py", "--say", "${user_config.words}"],
        "env": {"PYTHONPATH": "${__dirname}/server/lib", "SECRET": "${user_config.secret}"},
    }
    words = {"type": "string", "title": "w", "description": "w", "required": True}
    secret = {**words, "sensitive": True}
    manifest = {
        "manifest_version": "0.3",
        "name": "box",
        "version": version,
        "server": {"type": "python", "entry_point": "server/main.py", "mcp_config": config},
        "user_config": {"words": words, "secret": secret},
        "compatibility": {"platforms": ["linux"], "runtimes": {"python": ">=3.9"}},
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    return place


def bundle_of(source: Path, folder: Path, version: str, kind: str = "local", name: str = "box") -> Bundle:
    """The bundle of content, as the controller makes it."""
    digest = hash_of(source)
    package = located(kind, name, version, str(source), digest)
    made, _now = Bundles(Effects(), folder, tools_here(Tools())).make(
        package, Target(), timeout=60, source=str(source)
    )
    return made
