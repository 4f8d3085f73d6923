# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of npm: resolved to a lock first, then installed from that lock alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..effects import Completed
from ..errors import FleetError
from . import tree
from .bundle import Shipped, hash_parts
from .closure import Closure, from_package_lock
from .entrypoints import NODE, RELEASE, npm_command, npm_programs
from .failures import UNKNOWN_VERSION, classify, failure
from .installation import Installation
from .kind import Program, Settings
from .npm_lock import installable
from .package import Package, Tools

_QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--no-progress", "--logs-max=0")
# npm's own defaults make a dead registry known after minutes: waits of 10 and 60 s, 300 s for an answer.
_BOUNDED = (
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=2000",
    "--fetch-timeout=60000",
)

_PROJECT = "mcpops-release"
"""The name of the package.json in which a release's package is the only dependency."""


class Npm:
    """Installs packages of npm with the host's Node.js."""

    cure = "Set `command: node` with arguments that start the server, or use another package."

    def __init__(self, tools: Tools, cache: Path) -> None:
        self._tools = tools
        self._cache = cache / "npm"

    def resolve(
        self, work: Installation, staging: Path, *, elsewhere: bool = False, before: str | None = None
    ) -> Closure:
        """The exact closure of the package, from the registry; ``staging`` is a folder of its own.

        :param elsewhere: it is for another host, whose Node.js is looked at when it is installed there.
        :param before: take what was published until then (ISO 8601); the registry then tells the times too.

        The archives' addresses stay in the lock: without them npm asks for each package once more
        (measured: 3.4 s in place of 1.6 s).
        """
        package = work.package
        data = project(package)
        work.effects.write_file(staging / "package.json", data)
        options = ["--package-lock-only", "--no-omit-lockfile-registry-resolved"]
        options += [f"--before={before}"] if before else []
        done = self._npm(work, staging, "install", *options)
        output = done.stderr + done.stdout
        if done.returncode:
            unknown = classify(package, output) is UNKNOWN_VERSION
            raise failure(package, "npm", output, self._versions(work, staging) if unknown else [])
        wanted = unsupported_node(package, output)
        if wanted and not elsewhere:
            raise failure(package, "npm", wanted)
        lock = installable((staging / "package-lock.json").read_bytes())
        artifacts = from_package_lock(package, json.loads(lock))
        return Closure(package, artifacts, {"package.json": data, "package-lock.json": lock}, work.scripts)

    def download(self, work: Installation, staging: Path, platform: Sequence[str]) -> None:
        """Bring every archive that the lock in ``staging`` names for a platform into the cache, verified."""
        done = self._npm(work, staging, "ci", "--prefer-offline", *platform, scripts=False)
        if done.returncode:
            raise failure(work.package, "npm", done.stderr + done.stdout)

    def place(self, work: Installation, closure: Closure, target: Path, shelf: Path | None = None) -> None:
        """Install what the closure's lock names, and nothing else, into ``target``.

        :param shelf: a folder with the archives (see ``shelved``), to ask no registry.
        """
        # Every archive is verified against the lock, so what the cache has needs no asking about its age.
        done = self._npm(work, target, "ci", "--offline" if shelf else "--prefer-offline", cache=shelf)
        output = done.stderr + done.stdout
        wanted = unsupported_node(work.package, output) if shelf else ""
        if wanted:
            raise failure(work.package, "npm", wanted)
        # On a full disk npm 11.19 leaves thousands of empty files and exits 0; it only warns of each.
        finished = (target / "node_modules" / ".package-lock.json").is_file()
        if done.returncode or not finished or "TAR_ENTRY_ERROR" in output:
            if tree.starved(target, shelf or self._cache):
                output = f"ENOSPC: no space left on device | {output}"
            raise failure(work.package, "npm", output)
        if not work.scripts:
            _require_no_build(work.package, target, json.loads((target / "package-lock.json").read_bytes()))

    def shelved(self, shelf: Path, item: Shipped) -> Path:
        """Where npm's cache has an archive: by its hash, so it needs no index (npm 7 to 11)."""
        return cached(shelf, item.hash)

    def executables(self, package: Package, target: Path) -> dict[str, tuple[str, ...]]:
        """The package's own programs, with RELEASE and NODE standing for the directory and for Node.js."""
        home = target / "node_modules" / package.identifier
        described = package_json(home)
        if described is None:
            raise FleetError(
                f"read the package.json of {package}",
                "it is no JSON object",
                "Tell its publisher; use another version of it meanwhile.",
            )
        programs = npm_programs(described)
        found = {}
        for name, relative in programs.items():
            if (home / relative).is_file():
                recorded = f"{RELEASE}/node_modules/{package.identifier}/{relative}"
                found[name] = npm_command(recorded, first_line(home / relative))
        return found

    def other_executable(self, release: Path, name: str) -> tuple[str, ...] | None:
        """A program that a dependency brings, or a file of the package by its path in it."""
        modules = release / "node_modules"
        described = package_json(release) or {}
        # That of a release names one package; that of an owner's own folder may name any.
        names = described.get("dependencies", ()) if described.get("name") == _PROJECT else ()
        own = [modules / identifier for identifier in names]
        found = (home / name for home in own if home.resolve() in (home / name).resolve().parents)
        program = modules / ".bin" / name
        inside = [program] if os.path.basename(name) == name else []
        path = next((path.resolve() for path in (*inside, *found) if path.is_file()), None)
        return npm_command(str(path), first_line(path)) if path else None

    def runtime(self, target: Path) -> dict[str, tuple[str, ...]]:
        """The interpreter, which can be asked for by name too."""
        return {"node": (NODE,)}

    def told(self, release: Path, version: str, settings: Settings) -> Program | None:
        """Its programs are found by their names."""
        return None

    def versions(self, work: Installation, target: Path) -> dict[str, str]:
        """The versions of the tools that installed."""
        node, npm = self._tools.require_npm(work.package)
        asked = work.run("node", [node, "--version"], directory=target)
        return {"node": asked.stdout.strip().lstrip("v"), "npm": _npm_version(npm)}

    def _npm(
        self,
        work: Installation,
        directory: Path,
        command: str,
        *options: str,
        cache: Path | None = None,
        scripts: bool = True,
    ) -> Completed:
        node, npm = self._tools.require_npm(work.package)
        allowed = "--no-ignore-scripts" if work.scripts and scripts else "--ignore-scripts"
        argv = [*npm, command, *options, allowed, *_QUIET, *_BOUNDED, "--loglevel=warn"]
        argv += ["--cache", str(cache or self._cache)]
        return work.run(f"npm {command}", argv, directory=directory, environment=path_with(node))

    def _versions(self, work: Installation, directory: Path) -> list[str]:
        node, npm = self._tools.require_npm(work.package)
        argv = [*npm, "view", "--json", *_QUIET, *_BOUNDED, "--loglevel=silent", "--cache", str(self._cache)]
        argv += ["--", work.package.identifier, "versions"]
        done = work.run("npm view", argv, directory=directory, environment=path_with(node))
        versions = re.findall(r'"([^"\s]+)"', done.stdout) if done.returncode == 0 else []
        return [version for version in versions if "-" not in version][-4:]


def package_json(home: Path) -> dict[str, Any] | None:
    """What the package.json in a folder says; None where there is none, or none that can be read."""
    try:
        described = json.loads((home / "package.json").read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return described if isinstance(described, dict) else None


def project(package: Package) -> bytes:
    """The package.json in which the package is the only dependency."""
    dependencies = {package.identifier: package.version}
    manifest = {"name": _PROJECT, "private": True, "dependencies": dependencies}
    return (json.dumps(manifest, indent=2) + "\n").encode()


def cached(cache: Path, proof: str) -> Path:
    """The file of npm's cache (cacache, content version 2) for an archive with this hash.

    :raises ValueError: for what is no hash.
    """
    algorithm, value = hash_parts(proof)
    return cache / "_cacache" / "content-v2" / algorithm / value[:2] / value[2:4] / value[4:]


def path_with(node: str) -> dict[str, str]:
    """The environment in which ``#!/usr/bin/env node`` finds this Node.js."""
    return {"PATH": os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", os.defpath)])}


def unsupported_node(package: Package, output: str) -> str:
    """npm's words about the package itself needing another Node.js, or nothing.

    What its dependencies ask for is left to readiness: many ask for more than they need.
    """
    text = re.sub(r"(?m)^npm warn EBADENGINE ?", "", output)
    shown = f"package: '{re.escape(package.identifier)}@{re.escape(package.version)}'"
    found = re.search(shown + r",\s*required: (\{.*?\}),\s*current: (\{.*?\})", text, re.DOTALL)
    if found:
        required, current = (" ".join(group.split()) for group in found.groups())
        # Where npm's own version is asked for as well, it may be that one which does not fit.
        if "node:" in required and "npm:" not in required:
            return f"Unsupported engine: required {required}, current {current}"
    return ""


def _require_no_build(package: Package, target: Path, lock: Mapping[str, Any]) -> None:
    """Raise FleetError for a native module that only its install script would have built."""
    for path, entry in lock["packages"].items():
        if not entry.get("hasInstallScript") or entry.get("optional") or entry.get("optionalDependencies"):
            continue
        home = target / path
        if (home / "binding.gyp").is_file() and not any(home.rglob("*.node")):
            name = path.rpartition("node_modules/")[2]
            raise FleetError(
                f"install {package}",
                f"its dependency {name} {entry.get('version')} has to be compiled by an install script, "
                "and scripts are off",
                "Choose a version without it, or allow its install scripts and have a compiler there.",
            )


def first_line(path: Path) -> str:
    """The first line of a program, which says what runs it."""
    with path.open("rb") as stream:
        return stream.readline(512).decode("utf-8", "replace").strip()


def _npm_version(npm: tuple[str, ...]) -> str:
    for folder in Path(npm[-1]).resolve().parents:
        described = package_json(folder) or {}
        if described.get("name") == "npm":
            return str(described.get("version", "unknown"))
    return "unknown"
