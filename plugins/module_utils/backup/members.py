# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is inside of a backup: a tar, compressed, of members that are all listed in its last one.

``backup.json`` says of which host it is; then ``servers/NAME.json``; then the trees of the releases; and
``manifest.json``, with the kind, mode, size and sha256 of every other member in order. Without the collection
``age -d … | tar -xz`` unpacks it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
HEAD = "backup.json"
MANIFEST = "manifest.json"
SERVERS = "servers"
RELEASES = "releases"

TEXT_LIMIT = 32 * 2**20
"""Bytes of a JSON member at most; they are read into memory."""
MANIFEST_LIMIT = 256 * 2**20
MEMBERS_LIMIT = 2_000_000

FILE, FOLDER, LINK = "file", "folder", "link"

_SERVER = re.compile(r"servers/[A-Za-z0-9][A-Za-z0-9._-]*\.json")
_INTERPRETER = re.compile(r"python[0-9.]*")


@dataclass(frozen=True)
class Member:
    """``proof``: sha256 (hex) of a file, the target of a link, nothing for a folder."""

    name: str
    kind: str
    mode: int = 0o644
    size: int = 0
    proof: str = ""

    def to_json(self) -> list[Any]:
        return [self.name, self.kind, self.mode, self.size, self.proof]

    @property
    def release(self) -> str | None:
        """The folder below the releases that it belongs to, ``pypi/NAME/VERSION-DIGEST``; None: to none."""
        words = self.name.split("/")
        return "/".join(words[1:4]) if words[0] == RELEASES and len(words) >= 4 else None

    @property
    def within(self) -> str:
        """Its path below its release; empty for the release itself."""
        return "/".join(self.name.split("/")[4:])


def flaw_of(member: Member, folders: frozenset[str] | set[str]) -> str | None:
    """Why a member has no place in a backup; None when it has one.

    :param folders: the folders that came before it; what lies elsewhere lies beyond a link or nowhere.
    """
    name = member.name
    words = name.split("/")
    if not name or name.startswith("/") or any(word in ("", ".", "..") for word in words) or "\0" in name:
        return f"a member would leave its folder: {name!r}"
    if words[0] == RELEASES:
        return _flaw_in_release(member, words, folders)
    if member.kind != FILE:
        return f"{name!r} is no plain file"
    if name not in (HEAD, MANIFEST) and not _SERVER.fullmatch(name):
        return f"it has a member that it should not have: {name!r}"
    limit = MANIFEST_LIMIT if name == MANIFEST else TEXT_LIMIT
    return f"{name} has no sensible size ({member.size} bytes)" if member.size > limit else None


def _flaw_in_release(member: Member, words: list[str], folders: frozenset[str] | set[str]) -> str | None:
    if member.release is None:
        return f"{member.name!r} belongs to no release"
    if member.within and "/".join(words[:-1]) not in folders:
        return f"{member.name!r} lies in no folder of its release"
    if not member.within and member.kind != FOLDER:
        return f"{member.name!r} is no folder"
    if member.mode & ~0o777:
        return f"{member.name!r} has rights that no file of a release has ({member.mode:o})"
    return f"a link would leave its release: {member.name!r}" if leaves(member) else None


def leaves(member: Member) -> bool:
    """Whether it is a link that leads out of its release. The one to the host's Python is looked at there."""
    if member.kind != LINK or is_interpreter(member):
        return False
    target = member.proof
    if not target or target.startswith("/") or "\0" in target:
        return True
    depth = len(member.within.split("/")) - 1
    for word in target.split("/"):
        depth += -1 if word == ".." else 0 if word in ("", ".") else 1
        if depth < 0:
            return True
    return False


def is_interpreter(member: Member) -> bool:
    """Whether it is the link by which a virtual environment finds the host's Python."""
    words = member.within.split("/")
    in_bin = len(words) > 1 and words[-2] == "bin" and _INTERPRETER.fullmatch(words[-1]) is not None
    return member.kind == LINK and in_bin and member.proof.startswith("/")


def manifest_text(members: list[Member]) -> bytes:
    """The last member's content."""
    listed = {"schema": SCHEMA, "members": [member.to_json() for member in members]}
    return json.dumps(listed, separators=(",", ":")).encode() + b"\n"


def members_of(text: bytes) -> list[Member]:
    """:raises ValueError, TypeError, KeyError: when it is no manifest."""
    raw: Mapping[str, Any] = json.loads(text)
    if raw["schema"] != SCHEMA:
        raise ValueError(f"its schema is {raw['schema']!r}")
    return [Member(*item) for item in raw["members"]]
