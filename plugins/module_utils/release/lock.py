# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock: the whole closure of a package version for a kind of host, to be committed beside the inventory.

Nothing in it is believed: its content has to have the sum that it ends with, the closure is read from the
lock files and has to have the digest that it says, and the tools of the registries verify every artifact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from ..errors import FleetError
from .closure import Closure, from_files
from .npm import project
from .package import Package
from .target import Target, target_from

SCHEMA = 1
CURE = "Run mcpops.fleet.lock and commit what it writes."
_KEYS = {"schema", "package", "target", "digest", "locked", "published", "files", "sha256"}


@dataclass(frozen=True)
class Lock:
    """A lock that was read or made.

    :param target: what a host has to be: of the same kind, and nothing older.
    :param locked: when it was made, UTC, ISO 8601.
    :param published: artifact (``name version``) to when it was published; None where no registry says.
    """

    closure: Closure
    target: Target
    locked: str
    published: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def package(self) -> Package:
        return self.closure.package

    def to_text(self) -> str:
        """Its file; the same lock gives the same bytes."""
        content = {
            "schema": SCHEMA,
            "package": asdict(self.package),
            "target": self.target.to_json(),
            "digest": self.closure.digest,
            "locked": self.locked,
            "published": dict(sorted(self.published.items())),
            "files": _readable(self.closure),
        }
        return json.dumps({**content, "sha256": _sum(content)}, indent=1, ensure_ascii=False) + "\n"

    def same_as(self, other: Lock | None) -> bool:
        """Whether the other locks the same, whenever it was made."""
        return (
            other is not None
            and (self.target, dict(self.published)) == (other.target, dict(other.published))
            and _readable(self.closure) == _readable(other.closure)
        )


def parse(text: str, name: str) -> Lock:
    """A lock from its text. Raises FleetError when it is damaged or was edited.

    :param name: of its file, for errors.
    """
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        _refuse(name, f"it is cut off, or no lock ({error})", error)
    if not isinstance(content, dict) or "schema" not in content:
        _refuse(name, "it is no lock")
    if content["schema"] != SCHEMA:
        _refuse(
            name, f"it is of another version of the collection (schema {content['schema']!r}, not {SCHEMA})"
        )
    if set(content) != _KEYS:
        _refuse(name, f"it lacks or has too much of: {', '.join(sorted(set(content) ^ _KEYS))}")
    said = content.pop("sha256")
    if said != _sum(content):
        _refuse(name, "it was edited or damaged: its content has not the sum that it ends with")
    try:
        lock = _lock(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _refuse(name, f"it cannot be read ({error})", error)
    except FleetError as error:
        _refuse(name, error.came_back, error)
    if lock.closure.digest != content["digest"]:
        _refuse(name, "its lock files do not have the digest that it says")
    return lock


def canonical_files(closure: Closure) -> Closure:
    """The closure with its lock files as a lock gives them back, to the byte."""
    return Closure(
        closure.package, closure.artifacts, _files(closure.package, _readable(closure)), closure.scripts
    )


def _lock(content: Mapping[str, Any]) -> Lock:
    package = Package(**content["package"])
    return Lock(
        closure=from_files(package, _files(package, content["files"])),
        target=target_from(content["target"]),
        locked=str(content["locked"]),
        published={str(name): time and str(time) for name, time in content["published"].items()},
    )


def _readable(closure: Closure) -> dict[str, Any]:
    """The lock files in a form whose changes a person can read."""
    if closure.package.registry_type == "npm":
        return {"package-lock.json": json.loads(closure.files["package-lock.json"])}
    return {"requirements.txt": closure.files["requirements.txt"].decode("utf-8").splitlines()}


def _files(package: Package, readable: Mapping[str, Any]) -> dict[str, bytes]:
    if package.registry_type == "npm":
        text = json.dumps(readable["package-lock.json"], indent=2, ensure_ascii=False)
        return {"package.json": project(package), "package-lock.json": f"{text}\n".encode()}
    return {"requirements.txt": "".join(f"{line}\n" for line in readable["requirements.txt"]).encode()}


def _sum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _refuse(name: str, why: str, cause: BaseException | None = None) -> NoReturn:
    raise FleetError(f"read the lock {name}", why, CURE) from cause
