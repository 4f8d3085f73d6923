# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases run on: a host's Python, processor and C library, and whether artifacts fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..effects import Effects
from ..errors import FleetError

_LIBC = re.compile(r"glibc \d+\.\d+|musl \d+\.\d+|glibc|musl")
_PYTHON = re.compile(r"\d+\.\d+(\.\d+)?")
_MACHINE = re.compile(r"[a-z0-9_]+")

_UV_GLIBC = (17, 28, *range(31, 41))
"""Minor versions of glibc 2 that uv 0.13 knows as a platform to resolve for."""

_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
"""Names of old for a version of glibc (PEP 600)."""

_ASK = """
import glob, json, platform, sys
name, version = platform.libc_ver()
if name != "glibc":
    name, version = ("musl", "1.2") if glob.glob("/lib/ld-musl-*") else ("glibc", "2.17")
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], "machine": platform.machine(),
                  "libc": name + " " + ".".join(version.split(".")[:2])}))
"""


@dataclass(frozen=True)
class Target:
    """A kind of host, or what artifacts need of one; None where they need nothing in particular.

    :param python: such as ``3.11.7``: a host needs the same minor version, and this patch or a newer one.
        Packages do ask for a patch (soupsieve 4 wants 3.11.5), so what is resolved depends on it.
    :param machine: as ``uname -m`` says it, such as ``x86_64``.
    :param libc: ``glibc 2.36`` or ``musl 1.2``, of which a host needs this or a newer one; or the name alone.

    Raises FleetError for what cannot be one of them.
    """

    python: str | None = None
    machine: str | None = None
    libc: str | None = None

    def __post_init__(self) -> None:
        for name, pattern, example in (
            ("python", _PYTHON, "3.11.7"),
            ("machine", _MACHINE, "x86_64"),
            ("libc", _LIBC, "glibc 2.36"),
        ):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
                raise FleetError("read a target", f"its {name} is {value!r}", f"Write it like {example!r}.")

    def __str__(self) -> str:
        parts = [self.python and f"Python {self.python}", self.machine, self.libc]
        return ", ".join(part for part in parts if part) or "any host"

    def to_json(self) -> dict[str, str | None]:
        """Its parts by name."""
        return {"python": self.python, "machine": self.machine, "libc": self.libc}

    def misfit(self, host: Target) -> str | None:
        """Why artifacts that need this do not fit a host; None when they do."""
        if self.python and not _same_minor(self.python, host.python or "0.0"):
            return f"it is for Python {self.python}, and releases of this host run on Python {host.python}"
        if self.machine and self.machine != host.machine:
            return f"it is for {self.machine}, and this host is {host.machine}"
        if self.libc:
            name, version = _libc(self.libc)
            has, has_version = _libc(host.libc or "")
            if name != has or version > has_version:
                return f"it needs {self.libc}, and this host has {host.libc}"
        return None

    def age(self) -> tuple[tuple[int, ...], tuple[str, tuple[int, int]]]:
        """Sorts targets: the older, the more hosts does fit what is made for it."""
        return _numbers(self.python or "0.0"), _libc(self.libc or "")

    def uv_platform(self) -> str:
        """The platform's name for uv; raises FleetError for one that it cannot resolve for."""
        name, (_major, minor) = _libc(self.libc or "")
        known = [step for step in _UV_GLIBC if step <= minor]
        if self.machine in ("x86_64", "aarch64") and name == "musl":
            return f"{self.machine}-unknown-linux-musl"
        if self.machine in ("x86_64", "aarch64") and name == "glibc" and known:
            return f"{self.machine}-manylinux_2_{known[-1]}"
        raise FleetError(
            f"choose wheels for {self}",
            "uv does not know this platform",
            "Let such hosts install from the registry (mcp_release_source: registry).",
        )

    def wheel_platforms(self) -> list[str]:
        """Platform tags of wheels that fit, the newest first (PEP 600, PEP 656)."""
        name, (major, minor) = _libc(self.libc or "")
        kind = "musllinux" if name == "musl" else "manylinux"
        tags = [f"{kind}_{major}_{step}_{self.machine}" for step in range(minor, -1, -1)]
        if name == "glibc":
            legacy = [old for old, version in _LEGACY.items() if version <= (major, minor)]
            tags += [f"{old}_{self.machine}" for old in sorted(legacy, reverse=True)]
        return [*tags, f"linux_{self.machine}"]


def target_from(raw: Any) -> Target:
    """A target from its parts by name. Raises FleetError when they are not those of one."""
    if not isinstance(raw, dict) or set(raw) - {"python", "machine", "libc"}:
        raise FleetError("read a target", f"it is {raw!r}", "It has python, machine and libc.")
    return Target(**raw)


def target_of(effects: Effects, python: str) -> Target:
    """The host as this Python, with which its releases run, sees it."""
    done = effects.run([python, "-I", "-c", _ASK], timeout=20)
    if done.returncode:
        raise FleetError(
            f"ask {python} what host this is",
            done.reason(),
            "Run the role host again; it looks for a Python.",
        )
    return target_from(json.loads(done.stdout))


def needs_of_wheels(names: Iterable[str], made_for: Target) -> Target:
    """What wheels need, by the tags in their file names (PEP 425).

    The processor counts for pure wheels too: which they are was resolved for it.
    """
    lowest = [libc for libc in (_needed(name, made_for) for name in names) if libc is not None]
    libc = f"{_libc(made_for.libc or '')[0]} {'.'.join(map(str, max(lowest)))}" if lowest else None
    return Target(python=made_for.python, machine=made_for.machine, libc=libc)


def _needed(wheel: str, made_for: Target) -> tuple[int, int] | None:
    """The lowest version of the C library with which one wheel works; None for any."""
    versions = []
    for tag in wheel.removesuffix(".whl").rpartition("-")[2].split("."):
        if tag == "any":
            return None
        numbered = re.match(r"(?:many|musl)linux_(\d+)_(\d+)_", tag)
        legacy = _LEGACY.get(tag.partition("_")[0], _libc(made_for.libc or "")[1])
        versions.append((int(numbered[1]), int(numbered[2])) if numbered else legacy)
    return min(versions)


def _same_minor(needed: str, has: str) -> bool:
    return _numbers(needed)[:2] == _numbers(has)[:2] and _numbers(needed) <= _numbers(has)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _libc(text: str) -> tuple[str, tuple[int, int]]:
    name, _space, version = text.partition(" ")
    major, _dot, minor = version.partition(".")
    return name, (int(major or 0), int(minor or 0))
