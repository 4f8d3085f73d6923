# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is whole, or it is refused: each region of the file, each member, each link."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.age import Identity, Recipients
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.members import HEAD, MANIFEST, Member
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.pack import packed
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.reading import read, reread
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.unit.backup.conftest import IDENTITY, KEY, PART, RELEASE, Change, texts

Make = Callable[..., Path]
Members = list[tuple[tarfile.TarInfo, bytes]]


def relisted(members: Members) -> None:
    """Let the manifest say what is there now, as a forger would."""
    kinds = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}
    listed = [
        Member(
            item.name, kinds.get(item.type, "file"), item.mode, len(data),
            item.linkname if item.issym() else hashlib.sha256(data).hexdigest() if item.isreg() else "",
        ).to_json()
        for item, data in members[:-1]
    ]  # fmt: skip
    members[-1] = (members[-1][0], json.dumps({"schema": 1, "members": listed}).encode())


def added(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"", listed: bool = True
) -> Change:
    def change(members: Members) -> None:
        item = tarfile.TarInfo(name)
        item.type, item.linkname = kind, link
        members.insert(-1, (item, data))
        if listed:
            relisted(members)

    return change


def test_what_was_packed_is_read_back(make: Make) -> None:
    path = make()
    contents = read(path, IDENTITY)
    assert contents.head["host"] == "node1" and contents.parts == (PART,)
    assert contents.release_bytes(RELEASE) == 70_004
    with reread(contents, IDENTITY) as entries:
        found = {member.within: b"".join(data) for member, data in entries if member.release}
    assert found["venv/bin/x"] == b"#!" and len(found["venv/" + "a" * 150 + "ü"]) == 70_000
    assert b"s3cret" not in path.read_bytes() and "s3cret" not in repr(contents)


def test_a_plain_age_and_tar_unpack_it_where_there_is_no_collection(make: Make) -> None:
    plain = pyrage.decrypt(make().read_bytes(), [KEY])
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as opened:
        names = opened.getnames()
    assert names[0] == HEAD and names[-1] == MANIFEST and f"releases/{RELEASE}/venv/bin/python" in names


def test_every_region_of_the_file_counts(make: Make) -> None:
    path = make()
    whole = path.read_bytes()
    # The header with its recipients and MAC, the nonce, and parts of each chunk to the very end.
    places = [*range(0, 220, 7), *range(220, len(whole), 499), len(whole) - 1]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(FleetError, match="Nothing was touched|identity that belongs"):
            read(path, IDENTITY)
    for length in (0, 1, 150, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FleetError, match="damaged"):
            read(path, IDENTITY)
    path.write_bytes(whole + b"x")
    with pytest.raises(FleetError, match="damaged"):
        read(path, IDENTITY)


def test_a_backup_for_somebody_else_is_not_read(make: Make) -> None:
    other = Identity(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(FleetError, match="not encrypted for this identity"):
        read(make(), other)
    with pytest.raises(FleetError, match="it is not there"):
        read(Path("/nowhere.age"), IDENTITY)


def dropped(index: int) -> Change:
    return lambda members: members.pop(index) and None


def swapped(members: Members) -> None:
    members[2], members[3] = members[3], members[2]


def rewritten(members: Members) -> None:
    members[1] = (members[1][0], members[1][1] + b" ")


def program(members: Members) -> tarfile.TarInfo:
    return next(item for item, _data in members if item.name.endswith("/venv/bin/x"))


def other_mode(members: Members) -> None:
    program(members).mode = 0o777


def foreign_manifest(members: Members) -> None:
    members[-1] = (members[-1][0], b'{"schema": 2, "members": []}')


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (dropped(0), "does not begin with what it is"),
        (dropped(1), "is not what its manifest says|lacks"),
        (dropped(-2), "it lacks"),
        (dropped(-1), "it has no manifest"),
        (swapped, "lies in no folder|is not what its manifest says"),
        (rewritten, "is not what its manifest says"),
        (other_mode, "is not what its manifest says"),
        (foreign_manifest, "its schema is 2"),
        (added(f"releases/{RELEASE}/more", listed=False), "its manifest does not list"),
        (added(f"releases/{RELEASE}/venv/lib64"), "twice"),
        (added("/etc/passwd"), "would leave its folder"),
        (added(f"releases/{RELEASE}/../../x"), "would leave its folder"),
        (added("releases/pypi/x"), "belongs to no release"),
        (added("etc/shadow"), "should not have"),
        (added("servers/../x.json"), "would leave its folder"),
        (added("servers/y.json", data=b"{}"), "damaged"),
        (added("servers/y.json", tarfile.SYMTYPE, "x.json"), "is no plain file"),
        (added(f"releases/{RELEASE}/nowhere/file"), "lies in no folder"),
        (added(f"releases/{RELEASE}/venv/lib64/file"), "lies in no folder"),
        (added(f"releases/{RELEASE}/l", tarfile.SYMTYPE, "/etc/passwd"), "a link would leave its release"),
        (
            added(f"releases/{RELEASE}/venv/l", tarfile.SYMTYPE, "../../../etc"),
            "a link would leave its release",
        ),
        (
            added(f"releases/{RELEASE}/venv/python", tarfile.SYMTYPE, "/bin/sh"),
            "a link would leave its release",
        ),
        (added(f"releases/{RELEASE}/hard", tarfile.LNKTYPE, "backup.json"), "neither a file"),
        (added(f"releases/{RELEASE}/device", tarfile.CHRTYPE), "neither a file"),
        (added(f"releases/{RELEASE}/pipe", tarfile.FIFOTYPE), "neither a file"),
        (added("././@LongLink", tarfile.GNUTYPE_LONGNAME, data=bytes(2**21)), "a header of a size"),
        (added("./PaxHeader", tarfile.XHDTYPE, data=bytes(2**21)), "a header of a size"),
    ],
)
def test_a_forged_backup_is_refused(make: Make, change: Change, why: str) -> None:
    with pytest.raises(FleetError, match=why) as caught:
        read(make(change), IDENTITY)
    assert "s3cret" not in str(caught.value)


def test_rights_beyond_the_usual_are_refused(make: Make) -> None:
    def setuid(members: Members) -> None:
        program(members).mode = 0o4755
        relisted(members)

    with pytest.raises(FleetError, match="has rights that no file"):
        read(make(setuid), IDENTITY)


def test_another_version_of_the_format_is_named(make: Make) -> None:
    with pytest.raises(FleetError, match="schema 2, not 1.*the version that made it"):
        read(make(members=texts(schema=2)), IDENTITY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"route": "/x"},
        {"slots": {}},
        {"record": {**json.loads(PART.record.to_json()), "active": "green"}},
        {"record": {**json.loads(PART.record.to_json()), "schema": 2}},
        {"slots": {"blue": {**PART.to_json()["slots"]["blue"], "server": "../../etc"}}},
    ],
)
def test_a_server_whose_parts_do_not_belong_together_is_refused(make: Make, wrong: dict[str, object]) -> None:
    members = {**texts(), "servers/x.json": json.dumps({**PART.to_json(), **wrong}).encode()}
    with pytest.raises(FleetError, match="read the backup"):
        read(make(members=members), IDENTITY)


def test_more_than_the_host_has_room_for_is_refused_before_it_is_unpacked(make: Make) -> None:
    with pytest.raises(FleetError, match="no room"):
        read(make(), IDENTITY, room=1000)


def test_a_backup_that_is_replaced_after_it_was_looked_at_is_noticed(make: Make) -> None:
    contents = read(make(), IDENTITY)
    make(rewritten)
    with pytest.raises(FleetError, match="changed since"), reread(contents, IDENTITY) as entries:
        for _member, data in entries:
            b"".join(data)


@pytest.mark.parametrize(("name", "target"), [("link", "/etc"), ("up", "../../x")])
def test_a_release_with_a_link_that_leaves_it_is_not_backed_up(release: Path, name: str, target: str) -> None:
    (release / name).symlink_to(target)
    with pytest.raises(FleetError, match="back up the release.*a link would leave its release"):
        b"".join(packed(texts(), {RELEASE: release}))


def test_what_is_no_key_of_age_is_said_without_showing_a_secret() -> None:
    with pytest.raises(FleetError, match="no recipient"):
        Recipients([])
    with pytest.raises(FleetError, match="'age1nonsense' is no recipient"):
        Recipients(["age1nonsense"])
    with pytest.raises(FleetError, match="a secret key is no recipient") as caught:
        Recipients([str(KEY)])
    assert str(KEY) not in str(caught.value)
    with pytest.raises(FleetError, match="no secret key of age") as caught:
        Identity(f"# {KEY}\nAGE-SECRET-KEY-1X")
    assert str(KEY) not in str(caught.value) and str(KEY) not in repr(Identity(f"# by hand\n\n{KEY}\n"))


def test_what_is_written_is_compressed_and_is_no_temporary_file(make: Make, tmp_path: Path) -> None:
    assert zlib.decompress(pyrage.decrypt(make().read_bytes(), [KEY]), 31)[:11] == b"backup.json"
    assert make().stat().st_size < 20_000
    assert {path.name for path in tmp_path.iterdir()} == {"release", "node1.tar.gz.age"}
