# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed (package) and what it is installed with (tools)."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass

from ..errors import FleetError

CONTENT = ("local", "mcpb")
"""Kinds that are content, not a name in a registry: the controller has it, or fetches it, and ships it."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_IMAGE = re.compile(r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+)(:[0-9]+)?(/[a-z0-9._-]+)+")
_IDENTIFIERS = {
    "npm": re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~_][A-Za-z0-9._~-]*"),
    "pypi": _NAME,
    **dict.fromkeys(CONTENT, _NAME),
    "oci": _IMAGE,
}
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Package:
    """One version of a package, in the terms of the MCP registry's server.json.

    :param sha256: of its content (hex), for the kinds in CONTENT; there it is part of what the version is.
        Of an image, which may have one, that of its digest.
    Raises FleetError for what could be read as a path, an option or a range by the tools that get it.
    """

    registry_type: str
    identifier: str
    version: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        identifiers = _IDENTIFIERS.get(self.registry_type)
        if identifiers is None:
            raise FleetError(
                f"read the package {self.identifier}",
                f"registry_type {self.registry_type!r} is not known",
                f"Use one of: {', '.join(sorted(_IDENTIFIERS))}.",
            )
        if not identifiers.fullmatch(self.identifier):
            raise FleetError(
                f"read the package {self.identifier!r}",
                f"this cannot be the identifier of a package of {self.registry_type}",
                "Give the name as the registry shows it, without a version.",
            )
        if not _VERSION.fullmatch(self.version):
            raise FleetError(
                f"read the version of {self.registry_type} {self.identifier}",
                f"{self.version!r} is not an exact version",
                "Pin one version, such as 1.4.2.",
            )
        needs, may = self.registry_type in CONTENT, self.registry_type in (*CONTENT, "oci")
        if (self.sha256 and not (may and _SHA256.fullmatch(self.sha256))) or (needs and not self.sha256):
            raise FleetError(
                f"read the package {self.registry_type} {self.identifier}",
                f"the sha256 of its content is {self.sha256!r}",
                "It is 64 hexadecimal digits; for a folder or archive the task mcp_update finds it out.",
            )

    def __str__(self) -> str:
        return f"{self.registry_type} {self.identifier} {self.version}"

    @property
    def folder(self) -> str:
        """The identifier as one component of a path."""
        return re.sub("[/:]", "+", self.identifier)

    def to_json(self) -> dict[str, str]:
        """Its parts by name, without those that it has not."""
        parts = {"registry_type": self.registry_type, "identifier": self.identifier, "version": self.version}
        return {**parts, **({"sha256": self.sha256} if self.sha256 else {})}


@dataclass(frozen=True)
class Tools:
    """The programs that install: uv and the Python of the venvs; Node.js and the argv prefix of npm; podman.

    Either pair may be missing (None, empty) where no package of its registry is installed.
    """

    uv: str | None = None
    python: str | None = None
    node: str | None = None
    npm: tuple[str, ...] = ()
    podman: str | None = None

    def require_podman(self, package: Package) -> str:
        """podman; raises FleetError when the host lacks it."""
        return _present(
            self.podman, package, "podman", "Install podman (Debian, Ubuntu: apt-get install podman)."
        )

    def require_pypi(self, package: Package) -> tuple[str, str]:
        """uv and Python; raises FleetError when the host lacks one of them."""
        return (
            _present(self.uv, package, "uv", "Install uv (the role host does)."),
            _present(self.python, package, "Python", "Install Python 3.10 or newer with its venv module."),
        )

    def require_npm(self, package: Package) -> tuple[str, tuple[str, ...]]:
        """Node.js and npm; raises FleetError when the host lacks one of them."""
        cure = "Install Node.js 20 or newer with npm (the role host does)."
        node = _present(self.node, package, "Node.js", cure)
        for part in self.npm or (None,):
            _present(part, package, "npm", cure, program=part is self.npm[0] if self.npm else True)
        return node, self.npm


def _present(path: str | None, package: Package, name: str, cure: str, program: bool = True) -> str:
    if path and (shutil.which(path) if program else os.path.exists(path)):
        return path
    found = f"{path} is not a program on this host" if path else "this host has none"
    raise FleetError(f"install {package}", f"{name} is needed, and {found}", cure)
