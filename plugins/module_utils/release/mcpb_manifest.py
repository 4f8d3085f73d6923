# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest.json of a bundle, as its specification (modelcontextprotocol/mcpb, MANIFEST.md) has it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import FleetError
from .package import Package

MANIFEST = "manifest.json"
PLATFORM = "linux"
TYPES = ("node", "python", "binary", "uv")

_VERSIONS = ("0.1", "0.2", "0.3", "0.4")
_LIMIT = re.compile(r"(>=|<=|>|<|==?|\^|~)?\s*v?(\d+(?:\.\d+){0,2})")


@dataclass(frozen=True)
class Option:
    """One thing that a bundle lets its user configure; ``default`` is None where it has none."""

    kind: str = "string"
    required: bool = False
    sensitive: bool = False
    multiple: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Manifest:
    """What counts of a manifest here; ``command``, ``arguments``, ``environment`` are those for Linux."""

    name: str
    version: str
    type: str
    entry_point: str
    command: str = ""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user_config: Mapping[str, Option] = field(default_factory=dict)
    runtimes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        """Whether it runs on the host's Python."""
        return self.type in ("python", "uv")


def read_manifest(data: bytes | None) -> Manifest:
    """Read a manifest.

    :param data: None: the archive has none at its top.
    :raises FleetError: naming the field that is missing or wrong, or that it is for other platforms.
    """
    if data is None:
        raise _flaw("it has no manifest.json at its top", "Give an .mcpb file; for other archives use local.")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _flaw(f"its manifest.json is no JSON ({error})") from error
    if not isinstance(raw, dict):
        raise _flaw("its manifest.json is no object")
    version = str(raw.get("manifest_version") or raw.get("dxt_version") or "")
    if version not in _VERSIONS:
        raise _flaw(
            f"its manifest_version is {version!r}",
            f"Known are {', '.join(_VERSIONS)}. Use a newer mcpops.fleet, or an older version of the bundle.",
        )
    server = _mapping(raw, "server")
    kind = _text(server, "server.type")
    if kind not in TYPES:
        raise _flaw(f"its server.type is {kind!r}", f"Known types: {', '.join(TYPES)}.")
    compatibility = _mapping(raw, "compatibility", {})
    platforms = _texts(compatibility, "compatibility.platforms")
    if platforms and PLATFORM not in platforms:
        raise _flaw(f"it is for {', '.join(platforms)} alone", "Use one that is for linux.")
    config = _config(server, kind)
    return Manifest(
        name=_text(raw, "name"),
        version=_text(raw, "version"),
        type=kind,
        entry_point=_inside(server, "server.entry_point"),
        command="" if kind == "uv" else _inside(config, "server.mcp_config.command"),
        arguments=() if kind == "uv" else _texts(config, "server.mcp_config.args"),
        environment={
            str(name): str(value)
            for name, value in _mapping(config, "server.mcp_config.env", {}).items()
            if isinstance(value, str)
        },
        user_config={
            str(name): _option(str(name), value) for name, value in _mapping(raw, "user_config", {}).items()
        },
        runtimes={
            str(name): str(wanted)
            for name, wanted in _mapping(compatibility, "compatibility.runtimes", {}).items()
        },
    )


def require_runtime(package: Package, manifest: Manifest, have: Mapping[str, str | None]) -> None:
    """Raise FleetError where the host's Node.js or Python is not one that the bundle is for.

    A range that is written as no usual one is left to readiness.
    """
    for name, wanted in manifest.runtimes.items():
        version = have.get(name)
        if (name == "python") != manifest.is_python or (name == "node") != (manifest.type == "node"):
            continue
        if version is None or not allows(wanted, version):
            has = f"this host has {version}" if version else "this host has none"
            raise FleetError(
                f"install {package}",
                f"its manifest wants {name} {wanted}, and {has}",
                f"Name another one (mcp_{name}), or use a version of the bundle that is for it.",
            )


def allows(wanted: str, version: str) -> bool:
    """Whether a range such as ``>=20 <23``, ``>=3.10,<3.14``, ``^20 || ^22`` has a version."""
    has = _numbers(version)
    for alternative in wanted.split("||"):
        limits = _LIMIT.findall(alternative)
        rest = _LIMIT.sub("", alternative).strip(" ,.x*")
        if rest or all(_within(has, sign, _numbers(limit), limit.count(".") + 1) for sign, limit in limits):
            return True
    return False


def _within(has: tuple[int, ...], sign: str, limit: tuple[int, ...], given: int) -> bool:
    exact = has[:given] == limit[:given]
    return {
        ">=": has >= limit,
        ">": has > limit and not exact,
        "<=": has <= limit or exact,
        "<": has < limit,
        "^": has >= limit and has[0] == limit[0],
        "~": has >= limit and has[: max(1, min(given, 2))] == limit[: max(1, min(given, 2))],
    }.get(sign, exact)


def _numbers(version: str) -> tuple[int, ...]:
    found = [int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3]]
    return tuple([*found, 0, 0, 0][:3])


def _option(name: str, raw: Any) -> Option:
    if not isinstance(raw, dict):
        raise _flaw(f"its user_config.{name} is no object")
    return Option(
        kind=str(raw.get("type", "string")),
        required=bool(raw.get("required")),
        sensitive=bool(raw.get("sensitive")),
        multiple=bool(raw.get("multiple")),
        default=raw.get("default"),
        low=_number(raw, f"user_config.{name}.min"),
        high=_number(raw, f"user_config.{name}.max"),
    )


def _config(server: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Its mcp_config as it is on Linux."""
    config = _mapping(server, "server.mcp_config", {} if kind == "uv" else None)
    others = _mapping(config, "server.mcp_config.platform_overrides", {})
    return {**config, **_mapping(others, f"server.mcp_config.platform_overrides.{PLATFORM}", {})}


def _mapping(raw: Mapping[str, Any], path: str, default: Mapping[str, Any] | None = None) -> dict[str, Any]:
    value = raw.get(path.rpartition(".")[2], default)
    if not isinstance(value, Mapping):
        raise _flaw(f"its {path} is {'missing' if value is None else 'no object'}")
    return dict(value)


def _text(raw: Mapping[str, Any], path: str) -> str:
    value = raw.get(path.rpartition(".")[2])
    if not isinstance(value, str) or not value:
        raise _flaw(f"its {path} is {'missing' if value is None else 'no text'}")
    return value


def _texts(raw: Mapping[str, Any], path: str) -> tuple[str, ...]:
    values = raw.get(path.rpartition(".")[2]) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _flaw(f"its {path} is no list of texts")
    return tuple(values)


def _number(raw: Mapping[str, Any], path: str) -> float | None:
    value = raw.get(path.rpartition(".")[2])
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise _flaw(f"its {path} is no number")
    return value


def _inside(raw: Mapping[str, Any], path: str) -> str:
    """A file of the bundle, by its path there, or the name of an interpreter."""
    given = _text(raw, path)
    plain = given.replace("${__dirname}/", "")
    if plain.startswith("/") or ".." in plain.split("/") or "\0" in plain:
        raise _flaw(f"its {path} leads out of it: {given!r}")
    return plain[2:] if plain.startswith("./") else plain


def _flaw(why: str, cure: str = "Tell its publisher; use another version of it meanwhile.") -> FleetError:
    return FleetError("read the manifest of the bundle", why, cure)
