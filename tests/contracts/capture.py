# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what public servers offer: installs each version from its registry, starts it and asks it.

Run as ``python -m tests.contracts.capture``; arguments are words that an identifier has to contain. What is
recorded already is left alone (``--anew`` records it again).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.contract.offer import Offer
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.excerpt import Excerpt
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import StdioTarget
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from ansible_collections.mcpops.fleet.plugins.module_utils.update.offered import offer_of

from .servers import RECORDED, SERVERS, Server

CACHE = Path(os.environ.get("MCPOPS_TEST_CACHE", Path.home() / ".cache" / "mcpops-tests"))
_INSTALL = 300.0
_ANSWER = 60.0


def capture(server: Server, version: str, folder: Path) -> Offer:
    """What one version offers; one that does not start with the newest SDK of Python gets that of its time.

    :raises FleetError: when it cannot be installed, or does not speak MCP.
    """
    npm = shutil.which("npm")
    tools = Tools(
        uv=shutil.which("uv"), python=sys.executable, node=shutil.which("node"), npm=(npm,) if npm else ()
    )
    releases = Releases(Effects(), folder / "releases", CACHE, tools)
    release = releases.install(Package(server.registry_type, server.identifier, version), timeout=_INSTALL)
    try:
        return ask(server, releases.command(release), folder)
    except FleetError:
        if server.registry_type != "pypi":
            raise
    return ask(server, (str(with_first_sdk(server, version, folder)),), folder)


def with_first_sdk(server: Server, version: str, folder: Path) -> Path:
    """The server's program, installed with version 1 of the SDK."""
    venv = folder / "venv"
    package = f"{server.identifier}=={version}"
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(venv)],
        ["uv", "pip", "install", "--quiet", "--python", str(venv), package, "mcp<2"],
    ):
        done = Effects().run(command, timeout=_INSTALL)
        if done.returncode:
            raise FleetError(f"install {package}", done.reason(), "Take another version.")
    return venv / "bin" / server.identifier


def ask(server: Server, command: tuple[str, ...], folder: Path) -> Offer:
    """What a program offers that was installed below a folder."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    arguments = (argument.replace("{data}", str(data)) for argument in server.arguments)
    target = StdioTarget(
        argv=(*command, *arguments),
        environment={"PATH": os.environ["PATH"], "HOME": str(data), "TZ": "UTC", "LANG": "C.UTF-8"},
        directory=str(data),
    )
    report = probe(target, timeout=_ANSWER)
    if report.era is None:
        raise FleetError(f"ask {server.identifier}", report.describe(), "Take another version.")
    return offer_of(report, "stdio", Excerpt({"data": str(data)}))


def main(words: list[str]) -> int:
    """Record what is asked for; says what could not be."""
    anew = "--anew" in words
    words = [word for word in words if not word.startswith("--")]
    RECORDED.mkdir(exist_ok=True)
    failed = 0
    for server in SERVERS:
        for version in server.versions:
            wanted = not words or any(word in server.identifier for word in words)
            if not wanted or (server.file(version).exists() and not anew):
                continue
            folder = Path(tempfile.mkdtemp())
            try:
                offer = capture(server, version, folder)
                text = json.dumps(offer.to_json(), sort_keys=True, separators=(",", ":"))
                server.file(version).write_text(text + "\n")
                print(
                    f"{server.identifier} {version}: {len(offer.tools)} tools, {len(text)} bytes", flush=True
                )
            except FleetError as error:
                failed += 1
                print(f"{server.identifier} {version}: {error}", flush=True)
            finally:
                Effects().remove_tree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
