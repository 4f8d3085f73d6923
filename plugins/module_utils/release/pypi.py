# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of PyPI: resolved to hashes first, then installed into a venv from those alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..effects import Completed
from ..errors import FleetError
from . import tree
from .bundle import Shipped
from .bytecode import Bytecode
from .closure import Closure, canonical, from_requirements
from .distributions import Distribution, installed
from .entrypoints import RELEASE, console_scripts
from .failures import UNKNOWN_VERSION, classify, failure
from .installation import Installation
from .kind import Program, Settings
from .package import Package, Tools

_VENV = "venv"
_LOCK = "requirements.txt"


class Pypi:
    """Installs packages of PyPI with uv and the host's own Python."""

    cure = "Set `command: python` with arguments that start the server, or use another package."

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._tools = tools
        self._cache = cache / "uv"
        self._compiled = cache / "bytecode"

    def resolve(self, work: Installation, staging: Path, options: Sequence[str] = ()) -> Closure:
        """The exact closure of the package, from the index; ``staging`` is a folder of its own.

        :param options: more options of ``uv pip compile``.
        """
        done = self._compile(work, staging, f"{work.package.identifier}=={work.package.version}", options)
        if done.returncode:
            output = done.stderr + done.stdout
            unknown = classify(work.package, output) is UNKNOWN_VERSION
            raise failure(work.package, "uv", output, self._newest(work, staging) if unknown else [])
        lock = (staging / _LOCK).read_bytes()
        artifacts = from_requirements(work.package, lock.decode("utf-8"))
        return Closure(work.package, artifacts, {_LOCK: lock}, work.scripts)

    def pylock(self, work: Installation, staging: Path, options: Sequence[str] = ()) -> str:
        """What was just resolved as pylock.toml (PEP 751), which says when each file was published."""
        given = ["--offline", "--no-deps", "--format", "pylock.toml", "--output-file", "pylock.toml"]
        _uv, python = self._tools.require_pypi(work.package)
        done = self._uv(work, staging, "pip", "compile", "--python", python, *given, *options, "--", _LOCK)
        return (staging / "pylock.toml").read_text("utf-8") if done.returncode == 0 else ""

    def indexes(self, work: Installation, staging: Path) -> str:
        """Where uv finds packages, as lines of a requirements file, passwords included; asks no index."""
        work.effects.write_file(staging / "nothing.in", b"")
        given = [
            "--offline",
            "--no-header",
            "--emit-index-url",
            "--emit-find-links",
            "--output-file",
            "indexes.txt",
        ]
        _uv, python = self._tools.require_pypi(work.package)
        done = self._uv(work, staging, "pip", "compile", "--python", python, *given, "--", "nothing.in")
        if done.returncode:
            raise failure(work.package, "uv", done.stderr + done.stdout)
        return (staging / "indexes.txt").read_text("utf-8")

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Install what the closure names, and nothing else, into a venv in ``target``.

        :param shelf: a folder with the wheels (see ``shelved``), to ask no index.
        """
        self._sync(work, target, shelf)
        if not shelf:  # its wheels' hashes were looked at a moment ago, and were unzipped here
            self._mend(work, target)
        _uv, python = self._tools.require_pypi(work.package)
        Bytecode(self._compiled, python).compile(work, target / _VENV)

    def place_beside(self, work: Installation, closure: Closure, target: Path, sources: list[Path]) -> None:
        """Make a venv in ``target`` for sources that no registry has, with what the closure's lock names."""
        if _LOCK in closure.files:
            self.place(work, closure, target)
        else:
            done = self._venv(work, target)
            if done.returncode:
                raise failure(work.package, "uv", done.stderr + done.stdout)
        packages = next(iter(sorted((target / _VENV / "lib").glob("python*/site-packages"))))
        lines = "".join(f"{source}\n" for source in sources)
        work.effects.write_file(packages / "mcpops_content.pth", lines.encode())

    def shelved(self, shelf: Path, item: Shipped) -> Path:
        """Where ``place`` looks for an artifact of a bundle."""
        return shelf / "wheels" / item.file

    def executables(self, package: Package, target: Path) -> dict[str, tuple[str, ...]]:
        """The package's own programs, with RELEASE standing for the directory."""
        own = _described(target / _VENV, package)
        names = {Path(path).name for path, _hash in own.files if re.fullmatch(r"(\.\./)+bin/[^/]+", path)}
        points = own.described / "entry_points.txt"
        if points.is_file():
            names.update(console_scripts(points.read_text("utf-8")))
        present = sorted(name for name in names if (target / _VENV / "bin" / name).is_file())
        return {name: (f"{RELEASE}/{_VENV}/bin/{name}",) for name in present}

    def other_executable(self, release: Path, name: str) -> tuple[str, ...] | None:
        """A program that a dependency brings."""
        program = release / _VENV / "bin" / name
        found = os.path.basename(name) == name and os.access(program, os.X_OK) and program.is_file()
        return (str(program),) if found else None

    def runtime(self, target: Path) -> dict[str, tuple[str, ...]]:
        """The interpreter, which can be asked for by name too."""
        return {"python": (f"{RELEASE}/{_VENV}/bin/python",)}

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """Its programs are found by their names."""
        return None

    def versions(self, work: Installation, target: Path) -> dict[str, str]:
        """The versions of the tools that installed."""
        configuration = (target / _VENV / "pyvenv.cfg").read_text("utf-8")
        found = dict(re.findall(r"(?m)^(\w+) *= *(\S+)", configuration))
        return {"python": found.get("version_info", "unknown"), "uv": found.get("uv", "unknown")}

    def _sync(self, work: Installation, target: Path, shelf: Path | None) -> None:
        # For a bundle a cache of its own: uv believes what it has in one, without looking at hashes again.
        cache = shelf / "uv" if shelf else self._cache
        done = self._venv(work, target)
        if done.returncode == 0:
            # A hard link (uv's way where files cannot be cloned) shares its inode with the cache, which
            # matters where that stays: a bundle's goes before the release is in use.
            link = "hardlink" if shelf else "copy"
            options = ["--require-hashes", "--link-mode", link, "--python", f"{_VENV}/bin/python"]
            if shelf:
                options += ["--no-index", "--find-links", str(shelf / "wheels"), "--no-build"]
            # Everything is pinned by its hash, so what the cache has needs no asking about its age: uv would
            # ask once more for every package (measured: 0.6 to 1.2 s for 42 of them).
            done = self._uv(work, target, "pip", "sync", "--offline", *options, "--", _LOCK, cache=cache)
            if done.returncode and not shelf:
                done = self._uv(work, target, "pip", "sync", *options, "--", _LOCK, cache=cache)
        if done.returncode:
            output = done.stderr + done.stdout
            if tree.starved(target, cache):
                output = f"No space left on device | {output}"
            raise failure(work.package, "uv", output)

    def _mend(self, work: Installation, target: Path) -> None:
        damaged = _damaged(target / _VENV)
        if damaged:
            # uv trusts what it unpacked into its cache; a power loss may have emptied files of it.
            self._uv(work, target, "cache", "clean", "--", *damaged)
            work.effects.remove_tree(target / _VENV)
            self._sync(work, target, None)
            damaged = _damaged(target / _VENV)
        if damaged:
            raise FleetError(
                f"install {work.package}",
                f"installed files differ from what {', '.join(damaged[:5])} says they are",
                f"Remove the cache {self._cache} and run it again; then suspect the disk, or the package.",
            )

    def _venv(self, work: Installation, target: Path) -> Completed:
        _uv, python = self._tools.require_pypi(work.package)
        return self._uv(work, target, "venv", "--python", python, "--", _VENV)

    def _compile(
        self, work: Installation, staging: Path, requirement: str, more: Sequence[str] = ()
    ) -> Completed:
        _uv, python = self._tools.require_pypi(work.package)
        work.effects.write_file(staging / "requirements.in", f"{requirement}\n".encode())
        options = ["--generate-hashes", "--no-header", "--no-annotate", "--python", python]
        options += ["--output-file", _LOCK, *more]
        return self._uv(work, staging, "pip", "compile", *options, "--", "requirements.in")

    def _newest(self, work: Installation, staging: Path) -> list[str]:
        """The newest version for this Python; uv has no cheaper way to ask what there is."""
        if self._compile(work, staging, work.package.identifier).returncode:
            return []
        lock = from_requirements(work.package, (staging / _LOCK).read_text("utf-8"))
        return [artifact.version for artifact in lock if artifact.name == canonical(work.package.identifier)]

    def _uv(
        self, work: Installation, directory: Path, *arguments: str, cache: Path | None = None
    ) -> Completed:
        uv, _python = self._tools.require_pypi(work.package)
        given = list(arguments)
        rest = given[given.index("--") :]
        common = ["--quiet", "--no-progress", "--no-python-downloads"]
        common += ["--cache-dir", str(cache or self._cache)]
        argv = [uv, *given[: given.index("--")], *common, *rest]
        # A sentence that is wrapped at the width in COLUMNS would not be known.
        environment = {"UV_HTTP_RETRIES": os.environ.get("UV_HTTP_RETRIES", "2"), "UV_NO_WRAP": "1"}
        name = " ".join(["uv", *[word for word in given[:2] if not word.startswith("-")]])
        return work.run(name, argv, directory=directory, environment=environment)


def _described(venv: Path, package: Package) -> Distribution:
    for distribution in installed(venv):
        if distribution.name == canonical(package.identifier):
            return distribution
    raise FleetError(
        f"install {package}",
        "uv reported success, but the package is not in the venv",
        "Look at uv's configuration of this user for settings that leave packages out.",
    )


def _damaged(venv: Path) -> list[str]:
    return [distribution.name for distribution in installed(venv) if distribution.damaged()]
