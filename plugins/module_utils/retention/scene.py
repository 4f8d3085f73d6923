# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a decision is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..journal.record import Record

CLAIMS = ("active", "previous", "in flight", "pinned", "referenced", "open", "unknown")
"""Why something stays whatever the policy says, the strongest reason first."""


@dataclass(frozen=True)
class Item:
    """One thing that could be deleted.

    :param path: where it stands; names it.
    :param group: what belongs together: a package as ``pypi/NAME``, the server of a log.
    :param name: as people name it: ``identifier@version`` of a release.
    :param age: seconds since it came about or was last used; None: not known.
    :param size: bytes; None: not known before it is deleted.
    :param digest: a release's.
    """

    kind: str
    path: str
    group: str
    name: str
    age: float | None
    size: int | None = None
    digest: str = ""


@dataclass(frozen=True)
class Claim:
    """One of CLAIMS, and a sentence about it."""

    kind: str
    why: str


@dataclass(frozen=True)
class Use:
    """Something that somebody uses: what stands at ``path`` or, where that is empty, all of ``group`` or,
    where that is empty too, every release."""

    claim: Claim
    path: str = ""
    group: str = ""


@dataclass(frozen=True)
class Scene:
    """``items`` are what is there, ``records`` the journals' of all hosts that use them, ``uses`` what else
    was found: files that name something, processes, locks that are held, what could not be read."""

    items: tuple[Item, ...] = ()
    records: tuple[Record, ...] = ()
    uses: tuple[Use, ...] = ()
    wanted: Mapping[str, str] = field(default_factory=dict)
    """``identifier@version`` that the inventory defines, and for which server."""
