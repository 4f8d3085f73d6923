# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled Python sources, kept by their sources: a new release seldom changes its dependencies.

Compiling is most of what an installation costs. The files carry a hash of their source (PEP 552,
``checked-hash``), so that Python itself ignores one that does not belong to the source beside it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from .distributions import Distribution, installed
from .installation import Installation

_BATCH = "150"
"""Sources per compiler process; one takes about a second for them."""


class Bytecode:
    """Compiled sources below ``store``: ``<version of Python>/<digest of the sources>/<path>``."""

    def __init__(self, store: Path, python: str) -> None:
        self._store = store
        self._python = python

    def compile(self, work: Installation, venv: Path) -> None:
        """Give every source in the venv its compiled file: a kept one, or one made now and kept.

        A source that does not compile is left: some packages carry templates or sources for other versions.
        """
        kept = self._store / _version(venv)
        new = [dist for dist in installed(venv) if dist.modules() and not _place(work, dist, kept)]
        if new:
            self._run(work, venv, new)
            _keep(work, new, kept)

    def _run(self, work: Installation, venv: Path, distributions: list[Distribution]) -> None:
        sources = [str(dist.site_packages / path) for dist in distributions for path in dist.modules()]
        names = venv.with_name("sources.txt")
        work.effects.write_file(names, "".join(f"{path}\n" for path in sources).encode())
        # xargs, not compileall's own -j: its workers outlive a killed parent.
        together = ["xargs", "-a", str(names), "-d", "\\n", "-n", _BATCH, "-P", str(_processors())]
        compiler = [self._python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        work.run("compileall", [*together, *compiler], directory=venv.parent)
        work.effects.remove_file(names)


def _place(work: Installation, distribution: Distribution, kept: Path) -> bool:
    source = kept / distribution.sources_digest()
    if not source.is_dir():
        return False
    _copy(work, distribution, source, distribution.site_packages)
    return True


def _keep(work: Installation, distributions: list[Distribution], kept: Path) -> None:
    work.effects.make_directory(kept)
    name = work.effects.act("mkdtemp", str(kept), lambda: tempfile.mkdtemp(prefix=".", dir=kept))
    try:
        for distribution in distributions:
            building = Path(name) / distribution.sources_digest()
            _copy(work, distribution, distribution.site_packages, building)
        # What is kept must be whole after a power loss: written out before it gets its name.
        work.effects.sync_filesystem(kept)
        for building in sorted(Path(name).iterdir()):
            with contextlib.suppress(OSError):  # another installation kept the same meanwhile
                work.effects.rename(building, kept / building.name)
    finally:
        work.effects.remove_tree(Path(name))


def _copy(work: Installation, distribution: Distribution, source: Path, target: Path) -> None:
    """The compiled files of a distribution; no hard links: a release shares no file with a cache."""

    def copy() -> None:
        target.mkdir(parents=True, exist_ok=True)
        for folder, stems in _stems(distribution).items():
            compiled = source / folder / "__pycache__"
            if compiled.is_dir():
                place = target / folder / "__pycache__"
                place.mkdir(parents=True, exist_ok=True)
                for entry in os.scandir(compiled):
                    if entry.name.partition(".")[0] in stems:
                        _copy_file(entry.path, os.path.join(place, entry.name))

    work.effects.act("copy", str(target), copy)


def _copy_file(source: str, target: str) -> None:
    """There are thousands of them, mostly small: in one read and one write, half of what Path takes."""
    with open(source, "rb", buffering=0) as found, open(target, "wb", buffering=0) as made:
        content = memoryview(found.readall())
        while content:
            content = content[made.write(content) :]


def _stems(distribution: Distribution) -> dict[str, set[str]]:
    """The names of a distribution's sources without their ends, by folder."""
    stems: dict[str, set[str]] = {}
    for path in distribution.modules():
        folder, name = os.path.split(path)
        stems.setdefault(folder, set()).add(name.removesuffix(".py"))
    return stems


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _version(venv: Path) -> str:
    """The Python of a venv, as its configuration has it."""
    for line in (venv / "pyvenv.cfg").read_text("utf-8").splitlines():
        key, _equals, value = line.partition("=")
        if key.strip() == "version_info":
            return value.strip()
    return "unknown"
