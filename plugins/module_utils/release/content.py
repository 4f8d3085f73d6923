# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives from outside, unpacked without believing anything in them: tar, tar.gz and zip."""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..effects import Effects
from ..errors import FleetError

SIZE_LIMIT = 2 * 2**30
"""Bytes of all files together, as they are unpacked."""

COUNT_LIMIT = 200_000
"""Files, folders and links together."""

_PATH_LIMIT = 1000
_DEPTH_LIMIT = 64
_NAME_LIMIT = 255
_LINK_LIMIT = 4096
_READ_LIMIT = 4 * 2**20
_CHUNK = 2**20
_PADDING = 64
_TEXT_LIMIT = 32 * 2**20
_DIRECTORY_LIMIT = 64 * 2**20
_DIRECTORY_ENTRY = b"PK\1\2"


@dataclass(frozen=True)
class Member:
    """One entry of an archive; ``read`` gives a file's bytes in pieces, ``link`` is where a link leads."""

    name: str
    kind: str
    executable: bool = False
    link: str = ""
    read: Callable[[], Iterator[bytes]] | None = None


class Refused(Exception):
    """Why an archive is not unpacked."""


def unpack(
    effects: Effects,
    archive: Path,
    target: Path,
    *,
    size_limit: int = SIZE_LIMIT,
    count_limit: int = COUNT_LIMIT,
) -> None:
    """Unpack an archive into the new folder ``target``.

    What would be written outside of it, what is neither file, folder nor link, and what stands in it twice is
    refused, and so is an archive that unpacks to more than the limits (bytes, entries). Owners, times and all
    permissions but that to execute are not taken over.

    :raises FleetError: naming the entry; what was unpacked until then is for the caller to remove.
    """
    with _explained(archive):
        effects.act("unpack", str(target), lambda: _unpack(archive, target, size_limit, count_limit))


def check(
    archive: Path,
    names: Collection[str] = (),
    *,
    size_limit: int = SIZE_LIMIT,
    count_limit: int = COUNT_LIMIT,
) -> dict[str, bytes]:
    """Look at all of an archive without writing anything.

    Returns those of its files that are called by ``names`` and stand at its top; an only folder that all is
    in counts as the top.

    :raises FleetError: as ``unpack`` does.
    """
    found: dict[tuple[str, ...], bytes] = {}
    tops: set[str] = set()
    with _explained(archive):
        for member, parts in _members(archive, size_limit, count_limit):
            tops.add(parts[0] if len(parts) > 1 or member.kind == "folder" else "")
            if member.read is not None and len(parts) < 3 and parts[-1] in names:
                found[tuple(parts)] = _whole(member)
    depth = 2 if len(tops) == 1 and "" not in tops else 1
    return {parts[-1]: data for parts, data in found.items() if len(parts) == depth}


def _whole(member: Member) -> bytes:
    data = b"".join(member.read()) if member.read else b""
    if len(data) > _TEXT_LIMIT:
        raise Refused(f"{member.name} in it is larger than {_TEXT_LIMIT // 2**20} MB")
    return data


def _unpack(archive: Path, target: Path, size_limit: int, count_limit: int) -> None:
    target.mkdir()
    links: list[tuple[Path, str]] = []
    for member, parts in _members(archive, size_limit, count_limit, target):
        if member.kind == "link":
            links.append((target.joinpath(*parts), member.link))
    # Links come last, so that nothing is ever written through one.
    for place, link in links:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link)
    root = os.path.realpath(target)
    for place, link in links:
        real = os.path.realpath(place)
        if real != root and not real.startswith(f"{root}/"):
            raise Refused(f"the link {place.relative_to(target)} leads out of it ({link!r})")


def _members(
    archive: Path, size_limit: int, count_limit: int, target: Path | None = None
) -> Iterator[tuple[Member, list[str]]]:
    """Every member that is allowed, once its bytes were read; they are written when there is a target."""
    seen: dict[str, str] = {}
    size = 0
    for number, member in enumerate(_opened(archive, count_limit), 1):
        # One that stands for nothing new, such as ./ once more, is read and counted as well.
        _require_few(number, count_limit)
        parts = _parts(member)
        if not parts:
            continue
        _claim(seen, parts, member)
        _require_few(len(seen), count_limit)
        place = target.joinpath(*parts) if target else None
        if member.kind == "folder" and place:
            place.mkdir(parents=True, exist_ok=True)
        if member.read is not None:
            with _sink(place, member.executable) as stream:
                for piece in member.read():
                    size += len(piece)
                    if size > size_limit:
                        raise Refused(f"it unpacks to more than {size_limit // 2**20} MB")
                    stream.write(piece)
        yield member, parts


def _require_few(count: int, limit: int) -> None:
    if count > limit:
        raise Refused(f"it has more than {limit} files, folders and links")


@contextlib.contextmanager
def _sink(place: Path | None, executable: bool) -> Iterator[IO[bytes]]:
    if place is None:
        with open(os.devnull, "wb") as nothing:
            yield nothing
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(place, flags, 0o600), "wb") as stream:
        yield stream
        os.fchmod(stream.fileno(), 0o755 if executable else 0o644)


def _parts(member: Member) -> list[str]:
    """The components of a member's name; none for the archive's own root."""
    name = member.name
    if name.startswith("/") or "\\" in name or not name.isprintable() or len(name) > _PATH_LIMIT:
        raise Refused(f"it has an entry of a name that is not allowed: {name[:120]!r}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"an entry would leave its folder: {name!r}")
    if len(parts) > _DEPTH_LIMIT:
        raise Refused(f"an entry is in more than {_DEPTH_LIMIT} folders: {name[:120]!r}")
    if any(len(part.encode("utf-8", "surrogateescape")) > _NAME_LIMIT for part in parts):
        raise Refused(f"it has an entry of a name that is too long: {name[:120]!r}")
    if member.kind not in ("file", "folder", "link"):
        raise Refused(f"{name!r} in it is a {member.kind}, and only files, folders and links are taken")
    return parts


def _claim(seen: dict[str, str], parts: list[str], member: Member) -> None:
    """Note a name; nothing may have it twice, or be below what is no folder."""
    for length in range(1, len(parts)):
        above = "/".join(parts[:length])
        if seen.setdefault(above, "folder") != "folder":
            raise Refused(f"{member.name!r} would be below {above!r}, which is a {seen[above]}")
    name = "/".join(parts)
    if seen.get(name, member.kind) != member.kind or (name in seen and member.kind != "folder"):
        raise Refused(f"{name!r} is in it twice")
    seen[name] = member.kind
    if member.kind == "link":
        _check_link(parts, member.link)


def _check_link(parts: list[str], link: str) -> None:
    depth = len(parts) - 1
    if link.startswith("/") or not link or len(link) > _LINK_LIMIT or not link.isprintable():
        raise Refused(f"the link {'/'.join(parts)} leads out of it ({link[:120]!r})")
    for part in link.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            raise Refused(f"the link {'/'.join(parts)} leads out of it ({link[:120]!r})")


def _opened(archive: Path, count_limit: int) -> Iterator[Member]:
    with archive.open("rb") as stream:
        start = stream.read(4)
    if start[:2] == b"PK":
        return _zip(archive, count_limit)
    return _tar(archive, zipped=start[:2] == b"\x1f\x8b")


def _zip(archive: Path, count_limit: int) -> Iterator[Member]:
    with archive.open("rb") as stream:
        counted: Any = _Counted(stream, count_limit)
        zipfile.ZipFile(counted).close()
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise Refused(f"{info.filename!r} in it is encrypted")
            yield _zip_member(packed, info, mode)


def _zip_member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, mode: int) -> Member:
    if info.is_dir():
        return Member(info.filename, "folder")
    if stat.S_ISLNK(mode):
        with packed.open(info) as stream:
            return Member(info.filename, "link", link=stream.read(_LINK_LIMIT + 1).decode("utf-8", "replace"))
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Member(info.filename, "device or pipe")
    return Member(info.filename, "file", bool(mode & 0o100), read=lambda: _pieces(packed.open(info)))


def _tar(archive: Path, zipped: bool) -> Iterator[Member]:
    with archive.open("rb") as stream:
        source: Any = gzip.GzipFile(fileobj=stream, mode="rb") if zipped else stream
        guarded: Any = _Guarded(source)
        with tarfile.open(fileobj=guarded, mode="r:") as packed:
            read: Any = packed
            while (info := packed.next()) is not None:
                yield _tar_member(packed, info)
                # It would keep them all.
                read.members.clear()
        _read_out(source)


def _read_out(source: IO[bytes]) -> None:
    """Read what is behind the last entry: the end of a gzip has its checksum."""
    for _number in range(_PADDING):
        if not source.read(_CHUNK):
            return
    raise Refused("it has no end that a real one has")


def _tar_member(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if info.isdir():
        return Member(info.name, "folder")
    if info.issym():
        return Member(info.name, "link", link=info.linkname)
    if not info.isreg() or info.issparse():
        return Member(info.name, "hard link" if info.islnk() else "device, pipe or sparse file")
    return Member(info.name, "file", bool(info.mode & 0o100), read=lambda: _pieces(packed.extractfile(info)))


def _pieces(stream: IO[bytes] | None) -> Iterator[bytes]:
    if stream is None:
        return
    with stream:
        while piece := stream.read(_CHUNK):
            yield piece


class _Guarded:
    """Keeps tarfile from reading a header of any size into memory, as one in a bomb has."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _READ_LIMIT:
            raise Refused("it has a header of a size that no real one has")
        return self._stream.read(size)


class _Counted:
    """Keeps zipfile from making something of each entry of a directory that has too many."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY_LIMIT:
            raise Refused("it has a directory of a size that no real one has")
        data = self._stream.read(size)
        _require_few(data.count(_DIRECTORY_ENTRY), self._limit)
        return data


@contextlib.contextmanager
def _explained(archive: Path) -> Iterator[None]:
    tried, cure = f"unpack {archive.name}", "Pack it anew from files that you know, then run it again."
    try:
        yield
    except Refused as error:
        raise FleetError(tried, str(error), cure) from error
    except (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError,
        RuntimeError, ValueError,
    ) as error:  # fmt: skip
        raise FleetError(
            tried, f"it is no whole tar, tar.gz or zip ({error})", "Fetch it or pack it anew."
        ) from error
