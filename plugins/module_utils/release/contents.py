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
from . import content, download, folder
from .closure import Artifact, Closure
from .composition import COMPOSITIONS
from .fetching import Fetched
from .installation import Installation
from .local import LOCK_FILES
from .mcpb_manifest import MANIFEST, read_manifest
from .package import Package, Tools
from .target import Target

_UNPINNED = ("pyproject.toml", "uv.lock")
_LOCKING = "uv lock, or uv pip compile --generate-hashes pyproject.toml -o requirements.txt"


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
    """Takes content of the controller: looks at all of it as the host will, and at what it depends on."""

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._tools = tools
        self._cache = cache / "content"

    def fetch(
        self, work: Installation, staging: Path, target: Target, locked: Closure | None = None
    ) -> Fetched:
        """Take what there is, which its own hash locks; ``staging`` is a folder of its own."""
        package = work.package
        if work.source is None:
            raise FleetError(f"bundle {package}", "nobody said where it is", "Give its path as identifier.")
        archive = staging / "content"
        found = self._take(work, archive)
        if found != package.sha256:
            raise _other(package, work.source, found)
        tops = content.check(archive, (*LOCK_FILES, *_UNPINNED, MANIFEST))
        files = self._locks(work, staging, tops)
        closure = Closure(package, _artifacts(package, files), files, work.scripts)
        proof = f"sha256:{package.sha256}"
        return Fetched(closure, Target(), {f"{package.folder}.content": (archive, proof)})

    def _take(self, work: Installation, archive: Path) -> str:
        """Copy the content into ``archive``; returns its hash."""
        source = str(work.source)
        if source.startswith(download.SCHEME):
            return download.download(source, archive, work.left(), content.SIZE_LIMIT)
        with explained(f"read {source}"):
            return _taken(Path(source).expanduser(), archive)

    def _locks(self, work: Installation, staging: Path, tops: Mapping[str, bytes]) -> dict[str, bytes]:
        raise NotImplementedError

    def _exported(self, work: Installation, staging: Path, tops: Mapping[str, bytes]) -> bytes:
        """What a uv.lock names, as requirements with hashes."""
        uv, _python = self._tools.require_pypi(work.package)
        folder_of_lock = staging / "lock"
        work.effects.make_directory(folder_of_lock)
        for name in _UNPINNED:
            if name in tops:
                work.effects.write_file(folder_of_lock / name, tops[name])
        argv = [uv, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--no-header"]
        argv += ["--no-annotate", "--format", "requirements-txt", "--no-config", "--no-python-downloads"]
        done = work.run("uv export", argv, directory=folder_of_lock)
        if done.returncode:
            raise FleetError(
                f"bundle {work.package}",
                f"uv does not read its uv.lock: {done.reason()}",
                "Make it anew with uv lock, beside the pyproject.toml that it is of.",
            )
        return done.stdout.encode()


class Folders(Contents):
    """Takes folders and archives: what they depend on is locked in them, or they need nothing."""

    def _locks(self, work: Installation, staging: Path, tops: Mapping[str, bytes]) -> dict[str, bytes]:
        files = {name: tops[name] for name in LOCK_FILES if name in tops}
        if "requirements.txt" not in files and "uv.lock" in tops:
            files["requirements.txt"] = self._exported(work, staging, tops)
        if "requirements.txt" not in files:
            _require_pinned(work.package, tops)
        return files


class Registered(Contents):
    """Takes bundles of the MCP registry: all is in them, but for those of the type uv, which have a lock."""

    def _locks(self, work: Installation, staging: Path, tops: Mapping[str, bytes]) -> dict[str, bytes]:
        manifest = read_manifest(tops.get(MANIFEST))
        if manifest.type != "uv":
            return {}
        if "uv.lock" in tops:
            return {"requirements.txt": self._exported(work, staging, tops)}
        _require_pinned(work.package, tops)
        return {}


class Images:
    """Images are fetched by hosts alone."""

    def fetch(
        self, work: Installation, staging: Path, target: Target, locked: Closure | None = None
    ) -> Fetched:
        """Say so."""
        raise FleetError(
            f"bundle {work.package}",
            "images are not shipped by the controller",
            "Let such hosts pull it (mcp_release_source: registry), or load it there (podman load) and "
            "call it localhost/….",
        )


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
        return COMPOSITIONS[package.registry_type].artifacts(package, files)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise FleetError(
            f"read the lock files of {package}",
            f"they are not what uv or npm would write ({error})",
            "Make them with uv pip compile --generate-hashes and npm install, without options in them.",
        ) from error


def _require_pinned(package: Package, tops: Mapping[str, bytes]) -> None:
    """Raise FleetError when Python dependencies are named without versions and hashes."""
    text = tops.get("pyproject.toml", b"").decode("utf-8", "replace")
    if re.search(r"(?m)^dependencies\s*=\s*\[\s*[^\]\s]", text):
        raise FleetError(
            f"bundle {package}",
            "its pyproject.toml names dependencies, and neither uv.lock nor requirements.txt says which",
            f"Lock them in its folder: {_LOCKING}. The type uv of an mcpb has to have its uv.lock.",
        )


def _other(package: Package, source: str, found: str) -> FleetError:
    return FleetError(
        f"take {download.shown(source)} for {package.registry_type} {package.identifier} {package.version}",
        f"its sha256 is {found}, and {package.sha256} is asked for",
        "Nothing of it was unpacked. Look at who changed it and what; then correct package.sha256, or run it "
        "again.",
    )
