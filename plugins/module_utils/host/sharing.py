# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of one machine that share a folder of releases: each leaves word there of where its state is."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from ..release.standing import HOSTS
from .layout import Layout, read_layout


@dataclass(frozen=True)
class Neighbours:
    """``layouts`` are the other hosts', ``lost`` those that cannot be read and why. ``since`` is the Unix
    time from which on every use of the folder was left word of; None: it is not shared."""

    layouts: tuple[Layout, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    since: float | None = None


def shared(layout: Layout) -> bool:
    """Whether the folder of releases is not plainly the host's own, or others have left word there."""
    return layout.releases.parent != layout.launchers.parent or bool(_words(layout))


def announce(effects: Effects, layout: Layout, now: float) -> None:
    """Leave word that this host uses a folder that may be shared; once."""
    word = _word(layout)
    if not shared(layout) or word.exists():
        return
    effects.make_directory(word.parent)
    said = {"config": str(layout.config), "since": now}
    effects.write_file(word, json.dumps(said).encode() + b"\n")


def neighbours(layout: Layout, now: float) -> Neighbours:
    """The other hosts. Where nobody has left word yet, all that is there is older than the first word.

    :raises OSError: when the words cannot be read.
    """
    if not shared(layout):
        return Neighbours()
    layouts, lost, since = [], [], [now]
    for word in _words(layout):
        try:
            said = json.loads(word.read_text())
            config = Path(said["config"])
            since.append(float(said["since"]))
            if config == layout.config:
                continue
            other = read_layout(config)
        except (ValueError, TypeError, KeyError) as error:
            lost.append((str(word), f"it makes no sense ({error!r})"))
            continue
        except FleetError as error:
            lost.append((str(word), str(error)))
            continue
        if os.path.realpath(other.releases) == os.path.realpath(layout.releases):
            layouts.append(other)
    return Neighbours(tuple(layouts), tuple(lost), min(since))


def _words(layout: Layout) -> list[Path]:
    folder = layout.releases / HOSTS
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _word(layout: Layout) -> Path:
    return layout.releases / HOSTS / f"{hashlib.sha256(os.fsencode(layout.config)).hexdigest()[:16]}.json"
