# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of versions: PEP 440 for PyPI, Semantic Versioning for npm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_PEP440 = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?"
    r"(?:(?:[-_.]?(?:post|rev|r)[-_.]?(\d*))|(?:-(\d+)))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+[a-z0-9._-]+)?",
    re.IGNORECASE,
)
_SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_STAGES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

Key = tuple[Any, ...]


def pep440(version: str) -> tuple[Key, bool] | None:
    """A key to sort by, and whether it is stable; None when it is no version."""
    match = _PEP440.fullmatch(version.strip())
    if not match:
        return None
    epoch, numbers, stage, stage_number, post, bare_post, dev, dev_number = match.groups()
    release = [int(number) for number in numbers.split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    posted = int(post or bare_post or 0) if post is not None or bare_post is not None else -1
    if stage:
        name = stage.lower()
        before: Key = (_STAGES.get(name, name), int(stage_number or 0))
    else:
        before = ("", 0) if dev and posted < 0 else ("z", 0)
    developed: Key = (0, int(dev_number or 0)) if dev else (1, 0)
    return (int(epoch or 0), release, before, posted, developed), not (stage or dev)


def semver(version: str) -> tuple[Key, bool] | None:
    """As ``pep440``."""
    match = _SEMVER.fullmatch(version.strip())
    if not match:
        return None
    *numbers, before = match.groups()
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (before or "").split(".")]
    return (*map(int, numbers), not before, parts), not before


ORDERS: Mapping[str, Callable[[str], tuple[Key, bool] | None]] = {"npm": semver, "pypi": pep440}
"""By ``registry_type``."""


def newest(registry_type: str, versions: Iterable[str], stable: bool) -> str | None:
    """The newest of them, of the stable ones alone where that is asked; None when there is none."""
    order = ORDERS[registry_type]
    found = [(key[0], version) for version in versions if (key := order(version)) and (key[1] or not stable)]
    return max(found)[1] if found else None


def is_newer(registry_type: str, version: str, than: str) -> bool:
    """Whether a version comes after another; one that is none comes before all."""
    one, other = ORDERS[registry_type](version), ORDERS[registry_type](than)
    return one is not None and (other is None or one[0] > other[0])
