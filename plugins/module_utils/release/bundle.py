# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: one file with all that a release is installed from, so that a host needs no registry.

It is a plain tar of regular files: ``bundle.json``, then the lock files, then the artifacts. Nothing in it is
believed: names are those that ``bundle.json`` lists and nothing else, the closure is read from the lock files
and has to have the digest that ``bundle.json`` says, and each artifact has to have a hash of that closure.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from ..effects import Effects
from ..errors import FleetError
from .closure import Closure
from .composition import COMPOSITIONS
from .package import Package
from .target import Target, target_from

SCHEMA = 1
_HEAD = "bundle.json"
_TEXT_LIMIT = 32 * 2**20
"""Bytes of bundle.json and of a lock file at most; they are read into memory."""

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!~@-]{0,240}\.(whl|tgz|content)")
_CHUNK = 2**20
_PROOF = re.compile(r"(sha1|sha256|sha384|sha512)([-:])([\x21-\x7e]+)")
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, order=True)
class Shipped:
    """An artifact in a bundle: the name of its file, bytes, and hash as the lock files write it."""

    file: str
    size: int
    hash: str


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read: it is whole, and its parts belong together. Its artifacts' bytes have not been
    looked at yet.

    :param needs: what the artifacts need of a host.
    """

    path: Path
    closure: Closure
    needs: Target
    artifacts: tuple[Shipped, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all artifacts."""
        return sum(item.size for item in self.artifacts)


def write(
    effects: Effects, path: Path, closure: Closure, needs: Target, artifacts: Mapping[str, tuple[Path, str]]
) -> None:
    """Make a bundle; the same parts give the same bytes.

    :param artifacts: name in the bundle to the file and its hash.
    """
    package = closure.package
    shipped = [
        Shipped(name, source.stat().st_size, proof) for name, (source, proof) in sorted(artifacts.items())
    ]
    head = {
        "schema": SCHEMA,
        "package": package.to_json(),
        "scripts": closure.scripts,
        "digest": closure.digest,
        "needs": needs.to_json(),
        "artifacts": [asdict(item) for item in shipped],
    }
    temporary = path.with_name(f".{path.name}.new")

    def pack() -> None:
        with temporary.open("wb") as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as packed:
                texts = {_HEAD: json.dumps(head, indent=1, sort_keys=True).encode(), **closure.files}
                for name in (_HEAD, *sorted(closure.files)):
                    _add(packed, name, len(texts[name]), io.BytesIO(texts[name]))
                for item in shipped:
                    with artifacts[item.file][0].open("rb") as content:
                        _add(packed, f"artifacts/{item.file}", item.size, content)
            stream.flush()
            os.fsync(stream.fileno())

    try:
        effects.act("pack", str(path), pack)
        effects.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _add(packed: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    packed.addfile(member, content)


def read(path: Path) -> Bundle:
    """Read a bundle. Raises FleetError when it is missing, damaged, or its parts do not belong together."""
    with _opened(path) as packed:
        members = _members(path, packed)
        head = _head(path, packed, members)
        package = Package(**head["package"])
        lock = COMPOSITIONS[package.registry_type]
        names = [*lock.needed, *(name for name in lock.optional if name in members)]
        files = {name: _text(path, packed, members, name) for name in names}
        artifacts = tuple(Shipped(str(i["file"]), int(i["size"]), str(i["hash"])) for i in head["artifacts"])
        closure = Closure(package, lock.artifacts(package, files), files, bool(head["scripts"]))
        needs = target_from(head["needs"])
    if closure.digest != head["digest"]:
        _damaged(path, "its lock files are not those that it was made with")
    known = {proof for artifact in closure.artifacts for proof in artifact.hashes}
    lacking = lock.lacking(closure, {item.hash for item in artifacts})
    if lacking:
        _damaged(path, f"it lacks the wheel of {lacking}")
    expected = {_HEAD, *files}
    for item in artifacts:
        name = f"artifacts/{item.file}"
        if not _FILE.fullmatch(item.file) or item.hash not in known:
            _damaged(path, f"{item.file!r} is no artifact of its lock files")
        if name in expected or name not in members or members[name].size != item.size:
            _damaged(path, f"{item.file} is not in it as it says")
        expected.add(name)
    strangers = sorted(set(members) - expected)
    if strangers:
        _damaged(path, f"it has a member that it does not list: {strangers[0]!r}")
    return Bundle(path, closure, needs, artifacts)


def unpack(effects: Effects, bundle: Bundle, shelf: Path, place: Callable[[Shipped], Path]) -> None:
    """Write each artifact to its place. Raises FleetError for one that is not what the lock files say, which
    then gets none.

    :param shelf: a new folder in which all of it stands.
    :param place: the file for an artifact; its folder is made.
    """
    with _opened(bundle.path) as packed:
        for number, item in enumerate(bundle.artifacts):
            target, temporary = place(item), shelf / f".{number}.new"
            if not target.is_relative_to(shelf) or ".." in target.parts:
                _damaged(bundle.path, f"{item.file} in it would leave its folder")
            effects.make_directory(target.parent)

            def copy(item: Shipped = item, temporary: Path = temporary) -> None:
                with temporary.open("xb") as stream:
                    _copy(packed, bundle.path, item, stream)

            effects.act("unpack", str(target), copy)
            effects.act("rename", str(target), functools.partial(os.replace, temporary, target))


def verify(bundle: Bundle) -> None:
    """Look at every byte of the artifacts. Raises FleetError for one that is not what the lock files say."""
    with _opened(bundle.path) as packed, open(os.devnull, "wb") as nothing:
        for item in bundle.artifacts:
            _copy(packed, bundle.path, item, nothing)


def hash_parts(proof: str) -> tuple[str, str]:
    """Algorithm and hexadecimal value of npm's hashes (``sha512-<base64>``) and uv's (``sha256:<hex>``).

    :raises ValueError: for anything else: the value names a file.
    """
    found = _PROOF.fullmatch(proof)
    if found is None:
        raise ValueError(f"{proof[:120]!r} is no hash of a known kind")
    algorithm, mark, value = found.groups()
    if mark == "-":
        value = base64.b64decode(value.partition("?")[0]).hex()
    if not _HEX.fullmatch(value) or len(value) != 2 * hashlib.new(algorithm).digest_size:
        raise ValueError(f"{proof[:120]!r} is no hash of the kind {algorithm}")
    return algorithm, value


def _copy(packed: tarfile.TarFile, path: Path, item: Shipped, stream: IO[bytes]) -> None:
    algorithm, expected = hash_parts(item.hash)
    digest = hashlib.new(algorithm)
    source = packed.extractfile(f"artifacts/{item.file}")
    while source is not None:
        data = source.read(_CHUNK)
        if not data:
            break
        digest.update(data)
        stream.write(data)
    if digest.hexdigest() != expected:
        raise FleetError(
            f"read the bundle {path}",
            f"{item.file} in it is not what its lock file says it is (hash mismatch)",
            "Do not install it. Look at who can write the bundle; then remove it and make it anew.",
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r:") as packed:
            yield packed
    except FileNotFoundError as error:
        raise FleetError(
            f"read the bundle {path}", "it is not there", "Make it with the module mcp_release."
        ) from error
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        _damaged(path, f"it cannot be read ({error})", error)


def _members(path: Path, packed: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Every member by name: plain files only, each once, and all of them inside of the file's own size."""
    members: dict[str, tarfile.TarInfo] = {}
    size = path.stat().st_size
    for member in packed:
        if member.name.startswith("/") or ".." in member.name.split("/"):
            _damaged(path, f"a member would leave its folder: {member.name!r}")
        if not member.isreg() or member.issparse():
            _damaged(path, f"{member.name!r} in it is a link or no plain file")
        if member.name in members:
            _damaged(path, f"{member.name!r} is in it twice")
        if member.offset_data + member.size > size:
            _damaged(path, f"it ends in the middle of {member.name!r}")
        members[member.name] = member
    return members


def _head(path: Path, packed: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(_text(path, packed, members, _HEAD))
    if head["schema"] != SCHEMA:
        raise FleetError(
            f"read the bundle {path}",
            f"it is of another version of the collection (schema {head['schema']!r}, not {SCHEMA})",
            "Make it anew with this one.",
        )
    return head


def _text(path: Path, packed: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str) -> bytes:
    member = members.get(name)
    source = packed.extractfile(member) if member and member.size <= _TEXT_LIMIT else None
    if source is None:
        _damaged(path, f"it has no {name} of a sensible size")
    return source.read()


def _damaged(path: Path, why: str, cause: BaseException | None = None) -> NoReturn:
    raise FleetError(
        f"read the bundle {path}", f"it is damaged: {why}", "Remove it and make it anew (mcp_release)."
    ) from cause
