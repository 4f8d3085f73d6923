# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images: pulled by podman, pinned by digest, run as a process of the slot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..errors import FleetError
from .bundle import Shipped
from .closure import Artifact, Closure
from .failures import without_secrets
from .installation import Installation
from .kind import Argv, Program, Settings
from .package import Package, Tools

_IMAGE = "image.json"
_LOCAL = "localhost/"
_MARKS = ("MCP_FLEET_SLOT", "MCP_FLEET_SLOTS")
"""By these the processes in a container are known as the slot's, wherever they are in the process tree."""

_OPTIONS = (
    "--rm", "--interactive", "--network=host", "--read-only", "--cap-drop=all",
    "--security-opt=no-new-privileges", "--pull=never",
)  # fmt: skip


class Oci:
    """Pulls images with the host's podman. A release has no files of its own but what names the image."""

    cure = "Leave `command:` out, or set it to a program in the image."

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def resolve(self, work: Installation, staging: Path) -> Closure:
        """Pull the image, unless it was made on this host (localhost/…); what it is then is pinned."""
        package = work.package
        podman = self._tools.require_podman(package)
        made_here = package.identifier.startswith(_LOCAL)
        name = f"{package.identifier}:{package.version}"
        if package.sha256 and (not made_here or package.version.startswith("sha256-")):
            name = f"{package.identifier}@sha256:{package.sha256}"
        if not made_here:
            done = work.run("podman pull", [podman, "pull", "--quiet", name], directory=staging)
            if done.returncode:
                raise _failed(
                    package, done.reason(), "Check its name and version, and the login of podman here."
                )
        shown = ["--format", "{{.Digest}} {{.Id}}"]
        done = work.run("podman image inspect", [podman, "image", "inspect", *shown, name], directory=staging)
        digest, _space, image = done.stdout.strip().partition(" ")
        if done.returncode or not digest.startswith("sha256:") or not image:
            raise _failed(
                package, done.reason(), "Build or load it on this host (podman build, podman load)."
            )
        if package.sha256 not in (None, digest.partition(":")[2]):
            raise _failed(
                package, f"its digest is {digest}, and sha256:{package.sha256} is asked for",
                "Nothing of it was run. See what was pushed under this name; then correct package.sha256.",
            )  # fmt: skip
        # Without an init, the first process in a container does not end by SIGTERM unless it handles it.
        told = {"digest": digest, "id": image, "init": shutil.which("catatonit") is not None}
        data = json.dumps(told, sort_keys=True).encode()
        artifact = Artifact(package.identifier, package.version, (digest,))
        return Closure(package, (artifact,), {_IMAGE: data}, work.scripts)

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Nothing is left to do: the image is in podman's own store."""

    def shelved(self, shelf: Path, item: Shipped) -> Path:
        """Images are not shipped."""
        return shelf / item.file

    def executables(self, package: Package, target: Path) -> dict[str, Argv]:
        """None: what is in an image is not looked at."""
        return {}

    def other_executable(self, release: Path, name: str) -> Argv | None:
        """None: a program is named to podman (see ``told``)."""
        return None

    def runtime(self, target: Path) -> dict[str, Argv]:
        """None that the host has."""
        return {}

    def versions(self, work: Installation, target: Path) -> dict[str, str]:
        """The version of podman."""
        podman = self._tools.require_podman(work.package)
        asked = work.run("podman", [podman, "--version"], directory=target)
        return {"podman": asked.stdout.strip().rpartition(" ")[2]}

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """podman run, with the variables named but not written, so that no process list has their values."""
        image = json.loads((release / _IMAGE).read_text("utf-8"))
        first = ["--init"] if image["init"] else []
        named = [word for name in sorted({*settings.variables, *_MARKS}) for word in ("--env", name)]
        entry = ["--entrypoint", settings.command] if settings.command else []
        data = ["--volume", "{data}:{data}"]
        podman = self._tools.podman or "/usr/bin/podman"
        return Program((podman, "run", *_OPTIONS, *first, *named, *data, *entry, image["id"]))


def _failed(package: Package, came_back: str, cure: str) -> FleetError:
    return FleetError(f"install {package}", without_secrets(came_back), cure)
