# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package of a definition: what each kind of package wants to be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reader import Reader

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")

KEYS = ("registry_type", "identifier", "version", "sha256")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ARCHIVE = re.compile(r"\.(tar\.gz|tgz|tar|zip|mcpb|dxt)\Z")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_ANY_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_FILE = re.compile(r"(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9_.@-]+(/[A-Za-z0-9_.@-]+)*")


@dataclass(frozen=True)
class Rules:
    """How the parts of one kind of package look, each with an example.

    ``placed``: its identifier is where the controller finds it, not a name. ``sha256``: required, optional or
    unknown. ``command`` is what names one of its programs.
    """

    identifier: re.Pattern[str]
    like: str
    version: re.Pattern[str] = _ANY_VERSION
    placed: bool = False
    sha256: str = "unknown"
    command: re.Pattern[str] = _COMMAND


KINDS: Mapping[str, Rules] = {
    "npm": Rules(
        re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*"),
        "mcp-server-time",
        re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"),
        command=_FILE,
    ),
    "pypi": Rules(
        re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"),
        "mcp-server-time",
        re.compile(
            r"([0-9]+!)?[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[A-Za-z0-9.]+)?"
        ),
    ),
    "local": Rules(
        re.compile(r"(/|~/)[^\0\r\n]+"),
        "/srv/servers/weather (a folder, .tar.gz or .zip on the controller; {{ inventory_dir }}/… helps)",
        placed=True,
        sha256="optional",
        command=_FILE,
    ),
    "mcpb": Rules(
        re.compile(r"https://[^\s@\0]+|(/|~/)[^\0\r\n]+"),
        "https://example.com/releases/weather-1.0.0.mcpb (or a path on the controller)",
        placed=True,
        sha256="required",
        command=_FILE,
    ),
    "oci": Rules(
        re.compile(r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?|[a-z0-9-]+:[0-9]+)(/[a-z0-9._-]+)+"),
        "registry.example.com/team/weather (with its registry, without a tag)",
        re.compile(r"(?!latest\Z)[0-9A-Za-z][0-9A-Za-z._-]{0,127}|sha256:[0-9a-f]{64}"),
        sha256="optional",
        command=re.compile(r"[A-Za-z0-9_./-]+"),
    ),
}


@dataclass(frozen=True)
class Named:
    """A package as a definition names it. ``source``: where the controller finds its content, for kinds that
    have it there; ``identifier`` is then its name alone."""

    registry_type: str
    identifier: str
    version: str
    source: str | None = None
    sha256: str | None = None

    @property
    def rules(self) -> Rules:
        """What its kind wants."""
        return KINDS[self.registry_type]

    def parts(self) -> tuple[str, str, str, str | None, str | None]:
        """Registry type, identifier, version, source and sha256."""
        return self.registry_type, self.identifier, self.version, self.source, self.sha256


def parse_package(server: str, raw: Any) -> Named:
    """Check the package of a definition.

    :raises FleetError: naming the server, the key, what is wrong with it and how to write it.
    """
    reader = Reader(server, "package", raw, KEYS)
    kind = reader.choice("registry_type", "", tuple(KINDS))
    rules = KINDS[kind]
    identifier = reader.text("identifier", rules.identifier, rules.like)
    version = reader.text("version", rules.version, "2026.8.18 (one exact version)")
    sha256 = _sha256(reader, kind, rules)
    digest = _DIGEST.fullmatch(version)
    if digest:
        # A digest in place of a tag says all that one beside it would.
        version, sha256 = f"sha256-{digest[1][:12]}", digest[1]
    return Named(
        registry_type=kind,
        identifier=_name(reader, identifier, version) if rules.placed else identifier,
        version=version,
        source=identifier if rules.placed else None,
        sha256=sha256,
    )


def _name(reader: Reader, source: str, version: str) -> str:
    """The last part of a path or address, without the version and what says that it is an archive."""
    last = source.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]
    name = re.sub(rf"[-_]v?{re.escape(version)}\Z", "", _ARCHIVE.sub("", last))
    if not _NAME.fullmatch(name):
        raise reader.complaint(
            "identifier",
            f"its last part, {last!r}, is to be the package's name",
            "Call it by letters, digits and . _ - alone, at most 100.",
        )
    return name


def _sha256(reader: Reader, kind: str, rules: Rules) -> str | None:
    value = reader.raw.get("sha256")
    if rules.sha256 == "unknown" and value is not None:
        raise reader.complaint(
            "sha256", f"packages of {kind} have none", "Leave it out: their registry gives the hashes."
        )
    if value is None and rules.sha256 != "required":
        return None
    return reader.text("sha256", _SHA256, "9f86d081… (64 hexadecimal digits, as sha256sum prints them)")
