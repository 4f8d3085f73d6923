# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A definition that names a server.json of the MCP registry, turned into a plain one on the controller."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import explained
from .inputs import Inputs, Where
from .package import KINDS
from .reader import shown

KEYS = ("server_json", "server_json_package", "inputs")
"""Keys of a definition that say something about its server.json; a plain definition has none of them."""

_SCHEMAS = ("2025-09-29", "2025-10-17", "2025-12-11")
_SCHEMA = re.compile(r"https://[^/]+/schemas/(\d{4}-\d{2}-\d{2})/server\.schema\.json")
_OFFICIAL = "io.modelcontextprotocol.registry/official"
_LIMIT = 4 * 2**20
_PACKAGE_KEYS = frozenset((
    "registryType", "registryBaseUrl", "identifier", "version", "fileSha256", "runtimeHint", "transport",
    "runtimeArguments", "packageArguments", "environmentVariables",
))  # fmt: skip
_WITHOUT_EFFECT = frozenset(("-y", "--yes", "-i", "--interactive", "--rm"))
"""Arguments of npx, uvx and docker that say what is done here anyway."""

_PORT = re.compile(r":\{([^}]+)\}(?=/|$)")

Warn = Callable[[str], None]


def read(path: str) -> bytes:
    """A file of the controller. :raises FleetError: when it cannot be read."""
    with explained(f"read {path}"):
        return Path(path).expanduser().read_bytes()


@dataclass(frozen=True)
class Described:
    """A server.json that was read: its packages, and what the registry says of its version."""

    packages: Sequence[Mapping[str, Any]]
    version: str | None
    status: str
    message: str


def plain(raw: Any, read: Callable[[str], bytes], warn: Warn = lambda _text: None) -> Any:
    """The definition without ``server_json``; one that has none is given back as it is.

    :param read: gives the content of a file of the controller.
    :param warn: is told what an operator should know and what stops nothing.
    :raises FleetError: naming the server, the part of the server.json and what to write.
    """
    if not isinstance(raw, Mapping) or not any(key in raw for key in KEYS):
        return raw
    where = Where(str(raw.get("name")), str(raw.get("server_json") or "server_json"))
    if not isinstance(raw.get("server_json"), str):
        raise where.complaint(
            "", "server_json is no text", "Give its path on the controller, like /srv/server.json."
        )
    if "package" in raw:
        raise where.complaint("", "package stands beside it", "Keep one of server_json and package.")
    described = _read(where, read(raw["server_json"]))
    _check_status(where, described, warn)
    place, package = _chosen(where, described, raw)
    return _definition(where.at(place), package, described, raw)


def required(raw: Any, read: Callable[[str], bytes]) -> list[str] | None:
    """The variables that the package of a definition's server.json requires; None where it names none.

    :raises FleetError: as ``plain`` does.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("server_json"), str):
        return None
    where = Where(str(raw.get("name")), raw["server_json"])
    _place, package = _chosen(where, _read(where, read(raw["server_json"])), raw)
    items = package.get("environmentVariables") or []
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise where.complaint("environmentVariables", "it is no list of objects", "Tell the publisher.")
    return sorted(str(item.get("name")) for item in items if item.get("isRequired"))


def _read(where: Where, data: bytes) -> Described:
    try:
        whole: Any = json.loads(data) if len(data) <= _LIMIT else None
    except (ValueError, RecursionError) as error:
        raise where.complaint("", f"it is no JSON ({error})", "Fetch it from the registry anew.") from error
    # The registry's interface wraps what a publisher wrote.
    raw = whole.get("server", whole) if isinstance(whole, dict) else None
    if not isinstance(raw, dict):
        raise where.complaint("", f"it is {shown(whole)}, no object", "Fetch it from the registry anew.")
    schema = _SCHEMA.fullmatch(str(raw.get("$schema")))
    if schema is None or schema[1] not in _SCHEMAS:
        raise where.complaint(
            "$schema",
            f"it is {raw.get('$schema')!r}",
            f"Known are {', '.join(_SCHEMAS)}: give one of these, use a newer mcpops.fleet, or write package "
            "and arguments yourself.",
        )
    packages = raw.get("packages") or []
    if not isinstance(packages, list) or not all(isinstance(each, dict) for each in packages):
        raise where.complaint("packages", "it is no list of objects", "Fetch it from the registry anew.")
    said = [where.mapping("_meta", part.get("_meta")) for part in (raw, whole)]
    official = where.mapping(f"_meta.{_OFFICIAL}", {**said[0], **said[1]}.get(_OFFICIAL))
    status = str(official.get("status") or raw.get("status") or "active")
    return Described(packages, raw.get("version"), status, str(official.get("statusMessage") or ""))


def _check_status(where: Where, described: Described, warn: Warn) -> None:
    said = f" ({described.message})" if described.message else ""
    if described.status == "deleted":
        raise where.complaint(
            "status", f"the registry has deleted this version{said}", "Use a version that is active."
        )
    if described.status == "deprecated":
        warn(f"{where.server}: {where.path}: this version is deprecated{said}. Look for another.")


def _chosen(where: Where, described: Described, raw: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The package to run: the one that is asked for, else the first of the kind that is liked most."""
    wanted = raw.get("server_json_package")
    offered = [str(package.get("registryType")) for package in described.packages]
    listed = ", ".join(f"{number}: {kind}" for number, kind in enumerate(offered)) or "none"
    numbers = list(range(len(offered)))
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        numbers = [number for number in numbers if number == wanted]
    elif wanted is not None:
        numbers = [number for number in numbers if offered[number] == wanted]
    else:
        # A path of the controller is not for a stranger's file to name.
        numbers = [number for number in numbers if offered[number] != "local"]
    order = list(KINDS)
    known = sorted((order.index(offered[number]), number) for number in numbers if offered[number] in KINDS)
    if not known:
        came_back = (
            f"its packages are: {listed}" if offered else "it has no packages, only remotes or nothing"
        )
        raise where.complaint(
            "packages",
            f"{came_back}; {'wanted is ' + repr(wanted) if wanted is not None else 'none can be run here'}",
            f"Set server_json_package to a number or a kind of {', '.join(order)} that is there.",
        )
    number = known[0][1]
    return f"packages[{number}]", described.packages[number]


def _definition(
    where: Where, package: Mapping[str, Any], described: Described, raw: Mapping[str, Any]
) -> dict[str, Any]:
    unknown = sorted(set(package) - _PACKAGE_KEYS - {"_meta"})
    if unknown:
        raise where.complaint("", f"it has {', '.join(unknown)}, which is not known here", _BY_HAND)
    transport = package.get("transport")
    if not isinstance(transport, Mapping):
        raise where.complaint("transport", f"it is {shown(transport)}", _BY_HAND)
    kind = raw.get("transport") or transport.get("type")
    if kind == "sse":
        raise where.complaint(
            "transport", "its type is sse, which is not served", "Choose another package of it."
        )
    url = str(transport.get("url") or "")
    own_path = _path_of(where, _PORT.sub("", url)) if kind == "streamable-http" else ""
    port = _PORT.search(url)
    inputs = Inputs(where, raw, port[1] if port and kind != "stdio" else None)
    _refuse_runtime_arguments(where, inputs, package)
    arguments = inputs.arguments("packageArguments", package)
    environment = inputs.environment(package)
    inputs.refuse_unused()
    own = raw.get("arguments") or []
    return {
        **{key: value for key, value in raw.items() if key not in KEYS},
        "package": _package(where, package, described, raw),
        "transport": kind,
        "arguments": [*arguments, *(own if isinstance(own, (list, tuple)) else [own])],
        "environment": environment,
        **({"path": raw.get("path") or own_path} if raw.get("path") or own_path not in ("", "/") else {}),
    }


def _path_of(where: Where, url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError as error:
        raise where.complaint("transport.url", f"it cannot be parsed ({error})", _BY_HAND) from error


def _placed(where: Where, kind: str, identifier: Any, raw: Mapping[str, Any]) -> Any:
    """Where content is: an address, or what the definition asked for below the server.json's own folder."""
    if not isinstance(identifier, str) or identifier.startswith("https://"):
        return identifier
    if raw.get("server_json_package") is None:
        raise where.complaint(
            "identifier",
            f"it is {shown(identifier)}, a place on the controller that nobody asked for",
            f"Look at what that is; set server_json_package: {kind} if it is to be shipped.",
        )
    if identifier.startswith(("/", "~")):
        return identifier
    if ".." in identifier.split("/"):
        raise where.complaint("identifier", f"{identifier!r} leads out of the server.json's folder", _BY_HAND)
    return str(Path(where.path).expanduser().absolute().parent / identifier)


def _package(
    where: Where, package: Mapping[str, Any], described: Described, raw: Mapping[str, Any]
) -> dict[str, Any]:
    kind, proof = package["registryType"], package.get("fileSha256")
    rules = KINDS[kind]
    if proof and rules.sha256 == "unknown":
        raise where.complaint(
            "fileSha256",
            f"packages of {kind} are verified by their registry's hashes, not by this one",
            _BY_HAND,
        )
    version = package.get("version") or (described.version if rules.placed else None)
    if not version:
        raise where.complaint("version", "it is missing", _BY_HAND)
    return {
        "registry_type": kind,
        "identifier": _placed(where, kind, package.get("identifier"), raw)
        if rules.placed
        else package.get("identifier"),
        "version": version,
        **({"sha256": proof} if proof else {}),
    }


def _refuse_runtime_arguments(where: Where, inputs: Inputs, package: Mapping[str, Any]) -> None:
    """npx, uvx and docker do not run here, so what they would be told has no place."""
    told = [word for word in inputs.arguments("runtimeArguments", package) if word not in _WITHOUT_EFFECT]
    if told:
        raise where.complaint(
            "runtimeArguments",
            f"{package.get('runtimeHint', 'its runtime')} would be told {told[0]}, and it does not run here",
            _BY_HAND,
        )


_BY_HAND = "Choose another package of it (server_json_package), or write package and arguments yourself."
