# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of a backup, put where they stood: into a new directory, sealed, the manifest last."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import FleetError
from ..release import manifest
from ..release.manifest import Release
from ..release.package import Package
from ..update.host import Host
from .age import Identity
from .members import FILE, FOLDER, Member
from .reading import Contents, reread

_LOCK_TIMEOUT = 600.0
"""Seconds to wait for an installation of the same package."""

Entry = tuple[Member, Iterator[bytes]]


def place_releases(host: Host, contents: Contents, identity: Identity, wanted: dict[str, Package]) -> None:
    """Put those of ``wanted`` (folder below the releases to package) where they are not yet.

    :raises FleetError: when the file changed since it was looked at, or there is no room; what was begun is
        removed by the next run.
    """
    with reread(contents, identity) as entries:
        for release, members in itertools.groupby(entries, lambda entry: entry[0].release):
            if release in wanted:
                _place(host, release, wanted[release], members)


def _place(host: Host, release: str, package: Package, entries: Iterator[Entry]) -> None:
    path = host.layout.releases / release
    with host.releases.placing(package, path, _LOCK_TIMEOUT) as lacking:
        if not lacking:
            return
        host.effects.make_directory(path.parent)
        held = host.effects.act("unpack", str(path), lambda: _unpack(path, entries))
        host.effects.sync_filesystem(path)
        host.effects.write_file(path / manifest.NAME, held, 0o444)
        host.effects.act("chmod", str(path), lambda: path.chmod(0o555))
        host.sync_folders(path, *tuple(path.parents)[:3])


def _unpack(path: Path, entries: Iterator[Entry]) -> bytes:
    """Write all but the manifest, which is returned. Nothing is written through a link: the directory is new,
    and a member lies in folders that came before it."""
    held = b""
    folders: list[tuple[Path, int]] = []
    for member, data in entries:
        place = path / member.within if member.within else path
        if member.within == manifest.NAME:
            held = b"".join(data)
        elif member.kind == FOLDER:
            place.mkdir(mode=0o700)
            folders.append((place, member.mode))
        elif member.kind == FILE:
            _write(place, member.mode, data)
        else:
            place.symlink_to(member.proof)
    for place, mode in reversed(folders):
        place.chmod(mode if place != path else 0o755)
    return held


def _write(place: Path, mode: int, data: Iterator[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(place, flags, 0o600), "wb") as stream:
        for chunk in data:
            stream.write(chunk)
        os.fchmod(stream.fileno(), mode)


def require_whole(host: Host, path: str, digest: str, server: str) -> Release:
    """The release there, if it is the one of this digest."""
    found = host.releases.at(Path(path))
    if found is None or found.digest != digest:
        raise FleetError(
            f"find the release {path}", "it is not whole after it was put there",
            "Look at the disk and at who else writes there, then restore again.", server,
        )  # fmt: skip
    return found
