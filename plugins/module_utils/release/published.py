# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When artifacts were published, and which of them are too young to be trusted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .bundle import hash_parts
from .closure import Artifact, canonical
from .package import Package

Times = Mapping[str, "str | None"]
"""Artifact (``name version``) to when it was published, UTC, ISO 8601; None where no registry says."""


def key(artifact: Artifact) -> str:
    """The name of an artifact in ``Times``."""
    return f"{artifact.name} {artifact.version}"


def of_pylock(artifacts: Iterable[Artifact], pylock: str) -> dict[str, str | None]:
    """The times in uv's pylock.toml. A file may be added to an old version: the youngest one counts."""
    known: dict[str, str | None] = {}
    for block in pylock.split("[[packages]]")[1:]:
        head = dict(re.findall(r'(?m)^(name|version) = "([^"]*)"', block))
        files = re.findall(r'\burl = "[^"]*"(?:, upload-time = ([0-9T:.Z+-]+))?', block)
        times = [_normal(time) for time in files]
        name = f"{canonical(head.get('name', ''))} {head.get('version')}"
        known[name] = max(filter(None, times)) if times and all(times) else None
    return {key(artifact): known.get(key(artifact)) for artifact in artifacts}


def of_npm_cache(artifacts: Iterable[Artifact], cache: Path) -> dict[str, str | None]:
    """The times in what npm's cache (cacache, index version 5) has of the registry's answers."""
    known = list(artifacts)
    answers = _answers(cache / "_cacache", {artifact.name for artifact in known})
    found: dict[str, str | None] = {}
    for artifact in known:
        time = answers.get(artifact.name, {}).get(artifact.version)
        found[key(artifact)] = _normal(time) if isinstance(time, str) else None
    return found


def too_young(times: Times, now: datetime, days: float) -> list[str]:
    """The artifacts that were published less than so many days ago, the youngest first."""
    latest = stamp(now - timedelta(days=days))
    young = [(time, name) for name, time in times.items() if time and time > latest]
    return [name for _time, name in sorted(young, reverse=True)] if days > 0 else []


def own(package: Package, times: Times) -> str | None:
    """The name of the package itself in ``times``."""
    name = canonical(package.identifier) if package.registry_type == "pypi" else package.identifier
    return next((known for known in times if known == f"{name} {package.version}"), None)


def stamp(moment: datetime) -> str:
    """A point in time as it is written: UTC, seconds; such texts sort by time."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _normal(time: str) -> str | None:
    """A registry's time as it is written here; None when it is none."""
    try:
        # Python before 3.11 reads neither Z nor fractions of any length.
        moment = datetime.fromisoformat(re.sub(r"(\.\d+)?(Z|\+00:00)?$", "", time))
    except ValueError:
        return None
    return stamp(moment.replace(tzinfo=timezone.utc))


def _answers(cacache: Path, names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Name to the times of its versions, from the newest answer of a registry that has them.

    Which registry it is npm knows (one for each scope), so answers are found by the end of their address.
    """
    newest: dict[str, float] = {}
    found: dict[str, Mapping[str, Any]] = {}
    for path in (cacache / "index-v5").glob("*/*/*"):
        for line in path.read_text("utf-8", "replace").splitlines():
            entry = _entry(line.partition("\t")[2])
            name = unquote(str(entry.get("key", "")).rpartition("/")[2])
            if name in names and float(entry.get("time") or 0) > newest.get(name, 0):
                times = _times(cacache, str(entry.get("integrity") or ""))
                if times:
                    newest[name], found[name] = float(entry["time"]), times
    return found


def _entry(text: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _times(cacache: Path, integrity: str) -> Mapping[str, Any]:
    """The times in an answer of the registry; nothing where it has none or was damaged."""
    try:
        algorithm, value = hash_parts(integrity.split(" ")[0])
        raw = (cacache / "content-v2" / algorithm / value[:2] / value[2:4] / value[4:]).read_bytes()
        times = json.loads(raw).get("time") if hashlib.new(algorithm, raw).hexdigest() == value else None
    except (OSError, ValueError, AttributeError):
        return {}
    return times if isinstance(times, dict) else {}
