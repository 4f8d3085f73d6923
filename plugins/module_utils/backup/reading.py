# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a backup: all of it is looked at before anything is done with it, and once more while it is done.

Nothing in it is believed. Names, kinds, links and sizes are checked as they come, every member has to be in
the manifest with its hash, in order, and nothing else may be there.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import FleetError
from .age import Identity, decrypted, unreadable
from .members import (
    FILE,
    FOLDER,
    HEAD,
    LINK,
    MANIFEST,
    MEMBERS_LIMIT,
    RELEASES,
    SCHEMA,
    Member,
    flaw_of,
    members_of,
)  # fmt: skip
from .part import ServerPart

_CHUNK = 2**18
_HEADER_LIMIT = 2**20
_KINDS = {tarfile.REGTYPE: FILE, tarfile.AREGTYPE: FILE, tarfile.DIRTYPE: FOLDER, tarfile.SYMTYPE: LINK}


@dataclass(frozen=True)
class Contents:
    """A backup that was read to its end, and is whole. ``head`` is what ``backup.json`` says."""

    path: Path
    head: Mapping[str, Any]
    parts: tuple[ServerPart, ...]
    members: tuple[Member, ...]

    def release_bytes(self, release: str) -> int:
        """Bytes of the files of one release."""
        return sum(member.size for member in self.members if member.release == release)


def read(path: Path, identity: Identity, room: int | None = None) -> Contents:
    """Look at every byte of it.

    :param room: bytes that its releases may have in all; None: any number.
    :raises FleetError: when it is missing, damaged, another version's, or for another identity.
    """
    found: list[Member] = []
    texts: dict[str, bytes] = {}
    total = 0
    with _understood(path), _members(path, identity) as entries:
        for member, source in entries:
            total += member.size
            if room is not None and total > room:
                raise unreadable(
                    path, f"there is no room for it on this host ({room / 2**20:.0f} MB free)",
                    "Nothing was touched. Free space, or move the folder to a larger filesystem.",
                )  # fmt: skip
            digest, kept = hashlib.sha256(), []
            for data in _chunks(source):
                digest.update(data)
                if not member.name.startswith(f"{RELEASES}/"):
                    kept.append(data)
            if member.kind == FILE:
                member = Member(member.name, FILE, member.mode, member.size, digest.hexdigest())
            if kept:
                texts[member.name] = b"".join(kept)
            found.append(member)
            if member.name == HEAD:
                _require_schema(path, texts[HEAD])
    with _understood(path):
        if not found or found[-1].name != MANIFEST:
            raise unreadable(path, "its end is missing: it has no manifest")
        listed = members_of(texts[MANIFEST])
        _require_listed(path, found[:-1], listed)
        head: dict[str, Any] = json.loads(texts[HEAD])
        parts = tuple(
            ServerPart.from_json(text) for name, text in texts.items() if name not in (HEAD, MANIFEST)
        )
        names = [part.name for part in parts]
        if names != sorted(head["servers"]) or {f"servers/{name}.json" for name in names} != set(texts) - {
            HEAD, MANIFEST,
        }:  # fmt: skip
            raise unreadable(path, "its servers are not those that it names")
    return Contents(path, head, parts, tuple(listed))


@contextmanager
def reread(contents: Contents, identity: Identity) -> Iterator[Iterator[tuple[Member, Iterator[bytes]]]]:
    """The members of a backup that was read before, once more, each with its bytes, checked against what they
    were then: a file may have been replaced in between.

    :raises FleetError: for the first that is another; what came before it is as it was.
    """
    with _understood(contents.path), _members(contents.path, identity) as entries:
        yield _compared(contents, entries)


def _compared(
    contents: Contents, entries: Iterator[tuple[Member, IO[bytes] | None]]
) -> Iterator[tuple[Member, Iterator[bytes]]]:
    for known, (member, source) in zip(contents.members, entries):
        proof = known.proof if known.kind == FILE else member.proof
        if Member(member.name, member.kind, member.mode, member.size, proof) != known:
            raise unreadable(contents.path, f"{member.name!r} in it changed since it was looked at")
        yield known, _proven(contents.path, known, source)


def _proven(path: Path, member: Member, source: IO[bytes] | None) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for data in _chunks(source):
        digest.update(data)
        yield data
    if member.kind == FILE and digest.hexdigest() != member.proof:
        raise unreadable(path, f"{member.name!r} in it changed since it was looked at")


@contextmanager
def _members(path: Path, identity: Identity) -> Iterator[Iterator[tuple[Member, IO[bytes] | None]]]:
    with decrypted(path, identity) as plain, _opened(plain) as packed:
        yield _each(path, packed)


def _opened(plain: IO[bytes]) -> tarfile.TarFile:
    inflated: Any = _Inflated(plain)
    return tarfile.open(fileobj=inflated, mode="r|", errors="surrogateescape", tarinfo=_Header)


def _each(path: Path, packed: tarfile.TarFile) -> Iterator[tuple[Member, IO[bytes] | None]]:
    """Every member as it comes, if a backup may have it."""
    seen: set[str] = set()
    folders: set[str] = set()
    for entry in packed:
        packed.members = []  # type: ignore[attr-defined]
        kind = _KINDS.get(entry.type)
        if kind is None or entry.issparse():
            raise unreadable(path, f"{entry.name!r} in it is neither a file, a folder nor a link")
        proof = entry.linkname if kind == LINK else ""
        member = Member(entry.name, kind, entry.mode, entry.size if kind == FILE else 0, proof)
        flaw = flaw_of(member, folders)
        if flaw is None and member.name in seen:
            flaw = f"{member.name!r} is in it twice"
        if flaw is None and not seen and member.name != HEAD:
            flaw = "it does not begin with what it is"
        if flaw is None and (MANIFEST in seen or len(seen) > MEMBERS_LIMIT):
            flaw = f"it goes on behind its end: {member.name!r}"
        if flaw:
            raise unreadable(path, flaw)
        seen.add(member.name)
        if kind == FOLDER:
            folders.add(member.name)
        yield member, packed.extractfile(entry) if kind == FILE else None


def _chunks(source: IO[bytes] | None) -> Iterator[bytes]:
    while source is not None:
        data = source.read(_CHUNK)
        if not data:
            return
        yield data


def _require_schema(path: Path, text: bytes) -> None:
    schema = json.loads(text)["schema"]
    if schema != SCHEMA:
        raise unreadable(
            path, f"another version of the collection made it (schema {schema!r}, not {SCHEMA})",
            "Nothing was touched. Restore it with the version that made it.",
        )  # fmt: skip


def _require_listed(path: Path, found: list[Member], listed: list[Member]) -> None:
    for one, other in zip(found, listed):
        if one != other:
            raise unreadable(path, f"{one.name!r} in it is not what its manifest says ({other.name!r})")
    if len(found) > len(listed):
        raise unreadable(
            path, f"it has a member that its manifest does not list: {found[len(listed)].name!r}"
        )
    if len(found) < len(listed):
        raise unreadable(path, f"it lacks {listed[len(found)].name!r}")


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except FleetError as error:
        raise error if error.tried.startswith("read the backup") else unreadable(path, str(error)) from error
    except (
        tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, TypeError, AttributeError,
        RecursionError,
    ) as error:  # fmt: skip
        raise unreadable(path, f"it is damaged ({error or type(error).__name__})") from error


class _Header(tarfile.TarInfo):
    """Keeps tarfile from reading the text of a header of any size into memory, as one in a bomb has."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> _Header:
        """:raises ValueError: for a header, as of a long name, that is longer than any that is packed."""
        header = super().frombuf(buf, encoding, errors)
        if header.type not in tarfile.REGULAR_TYPES and header.size > _HEADER_LIMIT:
            raise ValueError("it has a header of a size that no real one has")
        return header


class _Inflated:
    """What a stream of gzip holds, and nothing behind it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(31)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end.

        :raises EOFError: when it ends in the middle.
        """
        while not self._inflate.eof:
            more = self._inflate.unconsumed_tail or self._source.read(_CHUNK)
            if not more:
                raise EOFError("it ends in the middle")
            data = self._inflate.decompress(more, size)
            if data:
                return data
        return b""
