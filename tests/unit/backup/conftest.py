# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of a small release and one server, made without a host."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyrage
import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.age import Identity, Recipients, encrypt
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.members import HEAD, SCHEMA
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.pack import packed
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.part import ServerPart
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import Deployment, Record
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SlotSpec

KEY = pyrage.x25519.Identity.generate()
RECIPIENTS = Recipients([str(KEY.to_public())])
IDENTITY = Identity(str(KEY))
RELEASE = "pypi/x/1-abc"
DEPLOYMENT = Deployment("pypi", "x", "1", "abc", f"/opt/mcp/releases/{RELEASE}", {"transport": "stdio"}, "c")
SPEC = SlotSpec("x", "blue", ("/bin/true",), {"A": "1"}, {"TOKEN": "s3cret"}, "", 3.0, True)
PART = ServerPart(Record("x", (), {"blue": DEPLOYMENT}, active="blue", generation=4), {"blue": SPEC})
Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


def texts(**head: object) -> dict[str, bytes]:
    """The members that are no release's."""
    said = {"schema": SCHEMA, "host": "node1", "made": "now", "servers": ["x"], **head}
    return {HEAD: json.dumps(said).encode(), "servers/x.json": json.dumps(PART.to_json()).encode()}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A tree with what releases have in them."""
    path = tmp_path / "release"
    (path / "venv" / "bin").mkdir(parents=True)
    (path / "manifest.json").write_text("{}")
    (path / "venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (path / "venv" / "bin" / "python3").symlink_to("python")
    (path / "venv" / "lib64").symlink_to("lib")
    (path / "venv" / ("a" * 150 + "ü")).write_bytes(b"x" * 70_000)
    (path / "venv" / "bin" / "x").write_text("#!")
    (path / "venv" / "bin" / "x").chmod(0o555)
    return path


@pytest.fixture
def make(tmp_path: Path, release: Path) -> Callable[..., Path]:
    """Makes a backup; ``change`` alters its members before they are written, manifest included."""

    def made(
        change: Change | None = None,
        recipients: Recipients = RECIPIENTS,
        members: Mapping[str, bytes] | None = None,
    ) -> Path:
        chunks: Iterator[bytes] = packed(members or texts(), {RELEASE: release})
        if change:
            chunks = iter([changed(b"".join(chunks), change)])
        path = tmp_path / "node1.tar.gz.age"
        with path.open("wb") as stream:
            encrypt(chunks, stream, recipients)
        return path

    return made


def changed(inside: bytes, change: Change) -> bytes:
    """The compressed tar with other members, as whoever has the public key could make it."""
    with tarfile.open(fileobj=io.BytesIO(zlib.decompress(inside, 31))) as opened:
        members = [
            (item, (opened.extractfile(item) or io.BytesIO()).read() if item.isreg() else b"")
            for item in opened
        ]
    change(members)
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w:gz", format=tarfile.GNU_FORMAT) as written:
        for item, data in members:
            item.size = len(data)
            written.addfile(item, io.BytesIO(data))
    return result.getvalue()
