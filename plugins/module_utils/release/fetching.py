# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolving a package for another host, and fetching all that is installed there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FleetError
from .bundle import hash_parts
from .closure import Closure
from .failures import failure
from .installation import Installation
from .npm import Npm, cached
from .package import Package, Tools
from .pypi import Pypi
from .target import Target, needs_of_wheels


@dataclass(frozen=True)
class Fetched:
    """What was fetched: ``artifacts`` are the file and hash of each by its name in a bundle."""

    closure: Closure
    needs: Target
    artifacts: Mapping[str, tuple[Path, str]]


class Wheels:
    """Fetches from PyPI: uv resolves, pip downloads (uv cannot), both by hash.

    Only wheels are fetched: what has to be built would be built for the controller.
    """

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._tools = tools
        self._cache = cache / "pip"
        self._registry = Pypi(tools, cache)

    def fetch(
        self, work: Installation, staging: Path, target: Target, locked: Closure | None = None
    ) -> Fetched:
        """Resolve for the target, unless it is locked, and fetch; ``staging`` is a folder of its own."""
        options = ["--python-version", str(target.python), "--python-platform", target.uv_platform()]
        closure = locked or self._registry.resolve(work, staging, options)
        # pip is told of uv's indexes, passwords included, in a file; none of it gets into the release.
        indexes = self._registry.indexes(work, staging)
        self._download(work, staging, indexes + closure.files["requirements.txt"].decode("utf-8"), target)
        wheels = sorted((staging / "wheels").iterdir())
        artifacts = {path.name: (path, f"sha256:{_sha256(path)}") for path in wheels}
        return Fetched(closure, needs_of_wheels(artifacts, target), artifacts)

    def _download(self, work: Installation, staging: Path, lock: str, target: Target) -> None:
        _uv, python = self._tools.require_pypi(work.package)
        work.effects.write_file(staging / "wanted.txt", lock.encode(), 0o600)
        work.effects.make_directory(staging / "wheels")
        argv = [python, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
        argv += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--retries", "2"]
        argv += ["--cache-dir", str(self._cache), "--implementation", "cp"]
        argv += ["--python-version", str(target.python), *_each("--platform", target.wheel_platforms())]
        argv += ["--dest", "wheels", "--requirement", "wanted.txt"]
        if os.environ.get("UV_NO_INDEX", "").lower() in ("1", "true", "yes", "on"):
            argv.append("--no-index")
        done = work.run("pip download", argv, directory=staging)
        if done.returncode == 0:
            return
        output = done.stderr + done.stdout
        lacking = re.search(r"No matching distribution found for ([^\s=]+)", output)
        if "No module named pip" in output:
            raise FleetError(
                f"bundle {work.package}",
                f"{python} has no pip, which fetches the wheels",
                "Install it there (python3-pip, or python -m ensurepip), or name another Python.",
            )
        if lacking and "after connection broken by" not in output:
            raise FleetError(
                f"bundle {work.package}",
                f"{lacking[1]} has no wheel for {target}, and only wheels are shipped",
                "Choose a version that has one, or let such hosts install from the registry "
                "(mcp_release_source: registry).",
            )
        raise failure(work.package, "pip", output)


class Archives:
    """Fetches from npm, by ``npm ci`` into a folder that is thrown away: it verifies what it fetches."""

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._cache = cache / "npm"
        self._registry = Npm(tools, cache)

    def fetch(
        self, work: Installation, staging: Path, target: Target, locked: Closure | None = None
    ) -> Fetched:
        """Resolve, unless it is locked, and fetch, native parts for the target only.

        :param staging: a folder of its own.
        """
        closure = locked or self._registry.resolve(work, staging, elsewhere=True)
        for name, data in closure.files.items():
            work.effects.write_file(staging / name, data)
        entries = json.loads(closure.files["package-lock.json"])["packages"]
        self._registry.download(work, staging, _platform(target))
        artifacts = {}
        for path, entry in entries.items():
            if not path or entry.get("inBundle") or not _is_for(entry, target):
                continue
            name = str(entry.get("name") or path.rpartition("node_modules/")[2])
            file, proof = self._archive(work.package, name, entry)
            value = hash_parts(proof)[1]
            artifacts[f"{name.lstrip('@').replace('/', '+')}-{entry['version']}-{value[:12]}.tgz"] = (
                file,
                proof,
            )
        return Fetched(closure, _needs(list(entries.values()), target), artifacts)

    def _archive(self, package: Package, name: str, entry: Mapping[str, Any]) -> tuple[Path, str]:
        """The archive as npm's cache has it. npm keeps it under the strongest of its hashes."""
        proofs = str(entry.get("integrity") or "").split()
        for algorithm in ("sha512", "sha384", "sha256", "sha1"):
            for proof in proofs:
                # What is no hash is none that npm keeps something under.
                with contextlib.suppress(ValueError):
                    if proof.startswith(f"{algorithm}-") and cached(self._cache, proof).is_file():
                        return cached(self._cache, proof), proof
        raise FleetError(
            f"bundle {package}",
            f"its dependency {name} comes from {'npm' if proofs else 'outside the registry'}, "
            f"{'but is not in its cache' if proofs else 'without a hash'}",
            "Look at npm's configuration of this user; or let hosts install from the registry "
            "(mcp_release_source: registry).",
        )


_CPU = {"x86_64": "x64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64", "i686": "ia32"}
"""Node.js's names of processors; others are called as the kernel does."""


def _platform(target: Target) -> list[str]:
    machine, libc = str(target.machine), str(target.libc).partition(" ")[0]
    return ["--os=linux", f"--cpu={_CPU.get(machine, machine)}", f"--libc={libc}"]


def _is_for(entry: Mapping[str, Any], target: Target) -> bool:
    """Whether npm installs a package of a lock on the target."""
    machine, libc = str(target.machine), str(target.libc).partition(" ")[0]
    return (
        _allows(entry.get("os"), "linux")
        and _allows(entry.get("cpu"), _CPU.get(machine, machine))
        and _allows(entry.get("libc"), libc)
    )


def _needs(entries: Sequence[Mapping[str, Any]], target: Target) -> Target:
    """What archives need: nothing in particular, unless there are different ones for different hosts."""
    here = [entry for entry in entries if _allows(entry.get("os"), "linux")]
    native = any(entry.get("cpu") or entry.get("libc") for entry in here)
    libc = str(target.libc).partition(" ")[0] if any(entry.get("libc") for entry in here) else None
    return Target(machine=target.machine if native else None, libc=libc)


def _allows(names: Any, wanted: str) -> bool:
    """npm's rule for ``os``, ``cpu`` and ``libc``: names that are allowed, or with ``!`` that are not."""
    listed = [names] if isinstance(names, str) else [str(name) for name in names or ()]
    positive = [name for name in listed if not name.startswith("!")]
    return f"!{wanted}" not in listed and (not positive or wanted in positive or "any" in positive)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while data := stream.read(2**20):
            digest.update(data)
    return digest.hexdigest()
