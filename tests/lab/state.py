# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab has made, on disk: written before each thing is made and after each is gone.

So whatever ended a run, the next one knows all that may be there.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Made:
    """One host: the last part of its address, and its control groups as paths."""

    octet: int
    cgroups: list[str] = field(default_factory=list)


@dataclass
class State:
    """All that a lab has made outside its folder; ``network`` is its /24, empty before there is one.

    ``forwarding`` is what net.ipv4.ip_forward was, ``namespaces`` whether /run/netns was a mount already.
    """

    network: str = ""
    forwarding: str = ""
    namespaces: bool = True
    base: str = ""
    hosts: dict[str, Made] = field(default_factory=dict)


def read(path: Path) -> State:
    """The state in the file; an empty one when there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return State()
    hosts = {name: Made(**made) for name, made in found.pop("hosts").items()}
    return State(**found, hosts=hosts)


def write(path: Path, state: State) -> None:
    """Replace the file in one step."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        json.dump(asdict(state), stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
