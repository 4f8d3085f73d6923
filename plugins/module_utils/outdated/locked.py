# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions an inventory has locked, for a report: whether a lock is good is not looked at."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

END = ".lock.txt"


def locked_versions(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Versions by ``registry_type`` and ``identifier``; nothing where there are no locks."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(folder.glob(f"*{END}")) if folder.is_dir() else ():
        # A damaged one is told of by whatever installs from it.
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            package = json.loads(path.read_text("utf-8"))["package"]
            versions = found.setdefault((str(package["registry_type"]), str(package["identifier"])), [])
            if package["version"] not in versions:
                versions.append(str(package["version"]))
    return found
