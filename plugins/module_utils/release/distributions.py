# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed in a venv: its distributions, by their RECORD (PEP 376, PEP 627)."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .closure import canonical


@dataclass(frozen=True)
class Distribution:
    """One distribution; ``files`` are (path, recorded hash or "") below ``site_packages``."""

    name: str
    described: Path
    site_packages: Path
    files: tuple[tuple[str, str], ...]

    def damaged(self) -> bool:
        """Whether a file is not what the RECORD says it is."""
        return any(not self._as_recorded(path, recorded) for path, recorded in self.files)

    def modules(self) -> list[str]:
        """Its Python sources, relative to ``site_packages``; nothing outside, whatever the RECORD says."""
        return [path for path, _hash in self.files if path.endswith(".py") and _is_inside(path)]

    def sources_digest(self) -> str:
        """A digest (hex) over names and recorded hashes of its sources: equal where the sources are."""
        sources = set(self.modules())
        lines = sorted(f"{path}\0{recorded}\n" for path, recorded in self.files if path in sources)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _as_recorded(self, path: str, recorded: str) -> bool:
        algorithm, _equals, expected = recorded.partition("=")
        if algorithm != "sha256":
            return True
        try:
            digest = hashlib.sha256((self.site_packages / path).read_bytes()).digest()
        except OSError:
            return False
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == expected.rstrip("=")


def installed(venv: Path) -> Iterator[Distribution]:
    """The distributions in a venv."""
    site_packages = next(iter(sorted((venv / "lib").glob("python*/site-packages"))), venv)
    for folder in sorted(site_packages.glob("*.dist-info")):
        name = canonical(folder.name.partition("-")[0])
        yield Distribution(name, folder, site_packages, tuple(_recorded(folder)))


def _is_inside(path: str) -> bool:
    return path.isprintable() and not path.startswith("/") and ".." not in path.split("/")


def _recorded(dist_info: Path) -> Iterator[tuple[str, str]]:
    with (dist_info / "RECORD").open(encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream):
            if row:
                yield row[0], row[1] if len(row) > 1 else ""
