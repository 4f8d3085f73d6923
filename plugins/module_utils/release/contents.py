# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content that the controller has: looked at before it is shipped, and told apart by its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import FleetError, explained
from . import content, folder
from .closure import Artifact, Closure
from .fetching import Fetched
from .installation import Installation
from .local import LOCK_FILES
from .locks import LOCKS
from .package import Package
from .target import Target

_PINNED_BY = {
    "uv.lock": "uv export --frozen --no-dev --no-emit-project --format requirements-txt -o requirements.txt",
    "pyproject.toml": "uv pip compile --generate-hashes pyproject.toml -o requirements.txt",
}


def hash_of(source: Path) -> str:
    """sha256 (hex) of a folder's content (see ``folder.pack``), or of an archive's bytes.

    :raises FleetError: when it is not there or cannot be shipped.
    """
    with explained(f"read {source}"):
        if source.is_dir():
            return folder.pack(source, None)
        if not source.is_file():
            raise FleetError(
                f"read {source}", "it is not there", "Correct the identifier: it is a path on the controller."
            )
        digest = hashlib.sha256()
        with source.open("rb") as stream:
            while piece := stream.read(2**20):
                digest.update(piece)
        return digest.hexdigest()


def located(
    registry_type: str, identifier: str, version: str, source: str | None, sha256: str | None
) -> Package:
    """A package as its definition names it, with the hash of its content where that says none.

    :raises FleetError: when there is no such content, or it cannot be shipped.
    """
    if sha256 is None and source is not None:
        sha256 = hash_of(Path(source).expanduser())
    return Package(registry_type, identifier, version, sha256)


class Contents:
    """Takes folders and archives of the controller."""

    def fetch(self, work: Installation, staging: Path, target: Target) -> Fetched:
        """Pack what there is, and look at all of it as the host will; ``staging`` is a folder of its own."""
        package, source = work.package, work.source
        if source is None:
            raise FleetError(f"bundle {package}", "nobody said where it is", "Give its path as identifier.")
        archive = staging / "content"
        found = _taken(Path(source).expanduser(), archive)
        if found != package.sha256:
            raise _other(package, Path(source), found)
        tops = content.check(archive, (*LOCK_FILES, *_PINNED_BY))
        files = {name: tops[name] for name in LOCK_FILES if name in tops}
        if "requirements.txt" not in files:
            _require_pinned(package, tops)
        closure = Closure(package, _artifacts(package, files), files, work.scripts)
        proof = f"sha256:{package.sha256}"
        return Fetched(closure, Target(), {f"{package.folder}.content": (archive, proof)})


def _taken(source: Path, archive: Path) -> str:
    """Copy an archive, or pack a folder; returns the hash."""
    with archive.open("wb") as stream:
        if source.is_dir():
            return folder.pack(source, stream)
        digest = hashlib.sha256()
        with source.open("rb") as given:
            while piece := given.read(2**20):
                digest.update(piece)
                stream.write(piece)
        return digest.hexdigest()


def _artifacts(package: Package, files: Mapping[str, bytes]) -> tuple[Artifact, ...]:
    try:
        return LOCKS[package.registry_type].artifacts(package, files)
    except ValueError as error:
        raise FleetError(
            f"read the lock files of {package}",
            str(error),
            "Make them with uv pip compile --generate-hashes and npm install, without options in them.",
        ) from error


def _require_pinned(package: Package, tops: Mapping[str, bytes]) -> None:
    """Raise FleetError when Python dependencies are named without versions and hashes."""
    for name, command in _PINNED_BY.items():
        text = tops.get(name, b"").decode("utf-8", "replace")
        if name == "uv.lock" and text or re.search(r"(?m)^dependencies\s*=\s*\[\s*[^\]\s]", text):
            raise FleetError(
                f"bundle {package}",
                f"its {name} names dependencies, and no requirements.txt says which versions and hashes",
                f"Make one in its folder: {command}",
            )


def _other(package: Package, source: Path, found: str) -> FleetError:
    return FleetError(
        f"take {source} for {package.registry_type} {package.identifier} {package.version}",
        f"its sha256 is {found}, and {package.sha256} is asked for",
        "It was changed. Look at what changed; then correct package.sha256, or run it again.",
    )
