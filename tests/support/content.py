# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test server as a folder, as one's own server stands in a repository."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundle import Bundle
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles, tools_here
from ansible_collections.mcpops.fleet.plugins.module_utils.release.contents import located
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


def bundle_of(source: Path, folder: Path, version: str, kind: str = "local", name: str = "box") -> Bundle:
    """The bundle of content, as the controller makes it."""
    package = located(kind, name, version, str(source), None)
    made, _now = Bundles(Effects(), folder, tools_here(Tools())).make(
        package, Target(), timeout=60, source=str(source)
    )
    return made
