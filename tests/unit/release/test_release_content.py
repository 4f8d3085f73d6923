# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives from outside: what is unpacked, and what is refused before it can do harm."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release import content, folder

Entry = tuple[str, bytes, bytes]
"""Name, type (tarfile's), and content or link."""

FILE, FOLDER, LINK, HARD, PIPE, DEVICE = (
    tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
)  # fmt: skip


def tar(path: Path, *entries: Entry, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for name, kind, data in entries:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == FILE:
                member.size = len(data)
            else:
                member.linkname = data.decode()
            packed.addfile(member, io.BytesIO(data))
    return path


def zipped(path: Path, *entries: Entry) -> Path:
    modes = {FILE: stat.S_IFREG | 0o644, LINK: stat.S_IFLNK | 0o777, PIPE: stat.S_IFIFO | 0o644}
    with zipfile.ZipFile(path, "w") as packed:
        for name, kind, data in entries:
            info = zipfile.ZipInfo(f"{name}/" if kind == FOLDER else name)
            info.external_attr = modes.get(kind, stat.S_IFDIR | 0o755) << 16
            packed.writestr(info, data)
    return path


BAD: list[tuple[str, list[Entry], str]] = [
    ("an absolute name", [("/etc/x", FILE, b"")], "name that is not allowed"),
    ("a name that leaves", [("a/../../x", FILE, b"")], "would leave its folder"),
    ("a name of Windows", [("a\\..\\x", FILE, b"")], "name that is not allowed"),
    ("a line break in a name", [("a\nb", FILE, b"")], "name that is not allowed"),
    ("a name of 300 characters", [("x" * 300, FILE, b"")], "too long"),
    ("a file twice", [("a", FILE, b"1"), ("./a", FILE, b"2")], "twice"),
    ("a file where a folder is", [("a/b", FILE, b"1"), ("a", FILE, b"2")], "twice"),
    ("a file below a file", [("a", FILE, b"1"), ("a/b", FILE, b"2")], "would be below 'a', which is a file"),
    ("a file below a link", [("a", LINK, b"b"), ("a/x", FILE, b"")], "would be below 'a', which is a link"),
    ("a link to anywhere", [("a", LINK, b"/etc/passwd")], "leads out of it"),
    ("a link upwards", [("a/b", LINK, b"../../x")], "leads out of it"),
    (
        "a link that leads out through another",
        [("p/q/s", LINK, b"../.."), ("t", LINK, b"p/q/s/../x")],
        "leads out of it",
    ),
    ("a pipe", [("p", PIPE, b"")], "only files, folders and links"),
]


@pytest.mark.parametrize("make", [tar, zipped], ids=["tar", "zip"])
@pytest.mark.parametrize(("entries", "why"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_would_do_harm_is_refused_and_writes_nothing_outside(
    tmp_path: Path, make: Callable[..., Path], entries: list[Entry], why: str
) -> None:
    archive = make(tmp_path / "archive", *entries)
    before = sorted(os.listdir(tmp_path))
    (tmp_path / "deep").mkdir()
    with pytest.raises(FleetError, match=why):
        content.unpack(Effects(), archive, tmp_path / "deep" / "out")
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "deep"])
    assert os.listdir(tmp_path / "deep") == ["out"]


@pytest.mark.parametrize(("kind", "why"), [(HARD, "hard link"), (DEVICE, "device, pipe or sparse file")])
def test_a_tar_with_hard_links_or_devices_is_refused(tmp_path: Path, kind: bytes, why: str) -> None:
    archive = tar(tmp_path / "archive", ("a", FILE, b"1"), ("b", kind, b"a"))
    with pytest.raises(FleetError, match=why):
        content.check(archive)


def test_an_archive_that_unpacks_to_more_than_the_limit_is_stopped_while_it_is_read(tmp_path: Path) -> None:
    bomb = tar(tmp_path / "bomb", ("zeros", FILE, bytes(8 * 2**20)))
    assert bomb.stat().st_size < 20_000
    with pytest.raises(FleetError, match="more than 4 MB"):
        content.unpack(Effects(), bomb, tmp_path / "out", size_limit=4 * 2**20)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 4 * 2**20


def test_an_archive_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    many = zipped(tmp_path / "many", *((f"d{number}/f", FILE, b"") for number in range(60)))
    with pytest.raises(FleetError, match="more than 100 files, folders and links"):
        content.check(many, count_limit=100)


@pytest.mark.parametrize("name", ["./", "a/"])
def test_an_entry_that_stands_for_nothing_new_counts_too(tmp_path: Path, name: str) -> None:
    many = tar(tmp_path / "many", *((name, FOLDER, b"") for _number in range(101)), ("a/x", FILE, b""))
    with pytest.raises(FleetError, match="more than 100 files, folders and links"):
        content.check(many, count_limit=100)


def test_the_entries_of_a_tar_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    follow = tarfile.TarFile.next

    def followed(packed: Any) -> tarfile.TarInfo | None:
        kept.append(len(packed.members))
        return follow(packed)

    archive = tar(tmp_path / "archive", *((f"f{number}", FILE, b"x") for number in range(50)))
    monkeypatch.setattr(tarfile.TarFile, "next", followed)
    assert len(content.check(archive, [f"f{number}" for number in range(50)])) == 50
    assert max(kept) <= 1


def test_nothing_is_made_of_the_entries_of_a_zip_that_has_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = zipped(tmp_path / "many", *((f"f{number}", FILE, b"") for number in range(101)))
    made: list[str] = []

    class Counting(zipfile.ZipInfo):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self.filename)

    monkeypatch.setattr(zipfile, "ZipInfo", Counting)
    with pytest.raises(FleetError, match="more than 100 files, folders and links"):
        content.check(many, count_limit=100)
    assert not made
    content.check(many, count_limit=101)
    assert len(set(made)) == 101


@pytest.mark.parametrize("make", [tar, zipped], ids=["tar", "zip"])
def test_folders_in_folders_without_end_are_refused(tmp_path: Path, make: Callable[..., Path]) -> None:
    assert content.check(make(tmp_path / "some", ("a/" * 63 + "x", FILE, b""))) == {}
    with pytest.raises(FleetError, match="in more than 64 folders"):
        content.unpack(Effects(), make(tmp_path / "deep", ("a/" * 64 + "x", FILE, b"")), tmp_path / "out")


def test_a_header_of_many_megabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "header"
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**30
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(2**20))
    with pytest.raises(FleetError, match="header of a size that no real one has"):
        content.check(path)


@pytest.mark.parametrize("cut", [10, 200, 600])
def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    archive = tar(tmp_path / "archive", ("a", FILE, os.urandom(5000)))
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(FleetError, match="no whole tar, tar.gz or zip"):
        content.check(archive)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("an error page\n" * 100)
    with pytest.raises(FleetError, match="no whole tar, tar.gz or zip"):
        content.check(tmp_path / "text")


def test_files_links_and_the_permission_to_execute_are_kept_and_others_are_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "tool").write_text("#!/bin/sh\n")
    (source / "bin" / "tool").chmod(0o4777)
    (source / "data").write_bytes(b"\0\1")
    (source / "data").chmod(0o666)
    (source / "link").symlink_to("bin/tool")
    with (tmp_path / "packed").open("wb") as stream:
        folder.pack(source, stream)
    content.unpack(Effects(), tmp_path / "packed", tmp_path / "out")
    out = tmp_path / "out" / folder.TOP
    assert stat.S_IMODE((out / "bin" / "tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "data").stat().st_mode) == 0o644
    assert (out / "link").resolve() == (out / "bin" / "tool").resolve()
    assert (out / "data").read_bytes() == b"\0\1"


def test_the_hash_of_a_folder_is_that_of_its_content_not_of_times_or_owners(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text("same")
    os.utime(tmp_path / "two" / "sub" / "file", (1, 1))
    (tmp_path / "two" / "sub" / "file").chmod(0o600)
    (tmp_path / "two" / ".git").mkdir()
    (tmp_path / "two" / "__pycache__").mkdir()
    one, two = (folder.pack(tmp_path / name, None) for name in ("one", "two"))
    assert one == two
    (tmp_path / "two" / "sub" / "file").chmod(0o755)
    executable = folder.pack(tmp_path / "two", None)
    (tmp_path / "two" / "sub" / "file").write_text("other")
    assert len({one, executable, folder.pack(tmp_path / "two", None)}) == 3


def test_modules_are_left_out_where_a_lock_says_how_to_make_them(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("1")
    with_modules = folder.pack(tmp_path, None)
    (tmp_path / "package-lock.json").write_text("{}")
    locked = folder.pack(tmp_path, None)
    (tmp_path / "node_modules" / "x.js").write_text("2")
    assert folder.pack(tmp_path, None) == locked != with_modules


def test_a_socket_in_a_folder_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "queue")
    with pytest.raises(FleetError, match="queue in it is no file, folder or link"):
        folder.pack(tmp_path, None)


def test_the_files_at_the_top_are_found_in_an_only_folder_too(tmp_path: Path) -> None:
    flat = tar(tmp_path / "flat", ("lock", FILE, b"1"), ("sub/lock", FILE, b"2"))
    nested = tar(
        tmp_path / "nested", ("top", FOLDER, b""), ("top/lock", FILE, b"3"), ("top/s/lock", FILE, b"")
    )
    assert content.check(flat, ("lock",)) == {"lock": b"1"}
    assert content.check(nested, ("lock",)) == {"lock": b"3"}
