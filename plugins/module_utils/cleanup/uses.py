# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's files say of releases: journals, slots, launchers, units, and who is at work."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..edge import maps
from ..effects import Effects
from ..errors import FleetError
from ..host.layout import Layout
from ..journal.journal import Journal
from ..journal.record import SLOTS, Record
from ..release.locking import busy
from ..retention.claims import groups_of
from ..retention.scene import Claim, Use
from .opened import references

_OF_SLOT = re.compile(r"(?:mcp-)?([a-z0-9][a-z0-9-]*)-(?:blue|green)\.(?:service|conf)")
_ADOPT = "run update for it, which adopts what serves; then clean up again"


@dataclass(frozen=True)
class Uses:
    """``warnings`` say of which servers nothing is deleted, and how that is put right."""

    records: tuple[Record, ...]
    uses: tuple[Use, ...]
    warnings: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


def uses_of(layout: Layout, root: Path, ours: Collection[tuple[Path, str]] | None = None) -> Uses:
    """What one host needs of the releases below ``root``.

    :param ours: locks that we hold ourselves, as folder of the state and server; None: we have not tried yet.
        A lock that we did not get was another's: whatever that has done since, we have not seen it all.
    :raises OSError: when something of it may not be read: then nothing is known.
    """
    journal = Journal(Effects(), layout.state)
    recorded = journal.servers()
    records, found, warnings = [], [], []
    for server in sorted({*recorded, *_evident(layout)}):
        record, problem = _record(journal, server, server in recorded)
        # What a slot held before stays there, and is looked at again only to go back from what is under way.
        under_way = record is None or record.transaction is not None
        named = _named(layout, root, server, under_way)
        found += [
            Use(Claim("referenced", f"files of {server} name it"), path=f"{root}/{path}") for path in named
        ]
        groups = groups_of(record) if record else {path.rpartition("/")[0] for path in named}
        if problem:
            warnings.append(problem)
            claim = Claim("unknown", f"what {server} needs is not known: its journal is missing or damaged")
            found += [*_all_of(claim, groups), Use(claim, group=server)]
        if record:
            records.append(record)
        if ours is None or server not in recorded:
            taken = busy(layout.state / server / "lock")
        else:
            taken = (layout.state, server) not in ours
        if taken:
            found += _all_of(Claim("in flight", f"another run is at work on {server}"), groups)
    for server in _first_runs(layout, recorded, ours or ()):
        found += _all_of(Claim("in flight", f"another run is at work on {server}, which is new"), ())
    return Uses(tuple(records), tuple(found), tuple(warnings), tuple(recorded))


def _record(journal: Journal, server: str, there: bool) -> tuple[Record | None, str | None]:
    if not there:
        return None, (
            f"{server}: it is on this host and its journal is missing: nothing of it is deleted."
            f" {_ADOPT[0].upper()}{_ADOPT[1:]}."
        )
    try:
        return journal.load(server), None
    except FleetError as error:
        return None, f"{error} Nothing of {server} is deleted until then: move it away, {_ADOPT}."


def _all_of(claim: Claim, groups: Collection[str]) -> list[Use]:
    """All releases of some packages; of no known ones: all there are."""
    return [Use(claim, group=group) for group in sorted(groups)] or [Use(claim)]


def _evident(layout: Layout) -> Iterator[str]:
    """Servers that something other than a journal speaks of."""
    for folder in (layout.slots, layout.state / "kept"):
        for name in _names(folder):
            if any((folder / name / slot).is_dir() for slot in SLOTS):
                yield name
    for name in _names(layout.launchers):
        link = layout.launchers / name
        if link.is_symlink() and os.readlink(link).startswith(f"{layout.slots}/"):
            yield name
    for path in _service_files(layout):
        found = _OF_SLOT.fullmatch(path.name)
        if found:
            yield found[1]
    active = layout.edge.maps / "active.map"
    if active.is_file():
        yield from maps.parse(active.read_text())


def _first_runs(
    layout: Layout, recorded: Collection[str], ours: Collection[tuple[Path, str]]
) -> Iterator[str]:
    """Servers that somebody is bringing up here and of which there is no record yet."""
    for name in _names(layout.state):
        folder = layout.state / name
        others = name not in recorded and (layout.state, name) not in ours
        if others and folder.is_dir() and busy(folder / "lock"):
            yield name


def _named(layout: Layout, root: Path, server: str, under_way: bool) -> set[str]:
    """Releases that the files of a server name: its slots, their units, its launcher, and where a change is
    or may be under way its journal and what was kept for going back."""
    bases = (layout.slots, *((layout.state / "kept",) if under_way else ()))
    folders = [base / server / slot for base in bases for slot in SLOTS]
    files = [folder / name for folder in folders for name in _names(folder)]
    files += [path for path in _service_files(layout) if _is_of(path, server)]
    files += [layout.launchers / server]
    files += [layout.state / server / "journal.json"] if under_way else []
    found: set[str] = set()
    for path in files:
        # systemd has % twice in a unit.
        found |= references(root, _text(path).replace(b"%%", b"%"))
    return {path for path in found if path.count("/") == 2}


def _is_of(path: Path, server: str) -> bool:
    found = _OF_SLOT.fullmatch(path.name) or _OF_SLOT.fullmatch(re.sub(r"\.d$", "", path.parent.name))
    return found is not None and found[1] == server


def _service_files(layout: Layout) -> list[Path]:
    """Units with their drop-ins, or programs of a supervisord."""
    folder = Path(layout.driver.get("units") or layout.driver.get("programs") or "/nowhere")
    names = _names(folder)
    found = [folder / name for name in names if _OF_SLOT.fullmatch(name)]
    for name in names:
        if name.endswith(".service.d") and _OF_SLOT.fullmatch(name[:-2]):
            found += [folder / name / inner for inner in _names(folder / name)]
    return found


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""
