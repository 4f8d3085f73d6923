# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle is believed in nothing: what is not exactly as it says is refused, and why is said."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release import bundle
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import (
    Closure,
    from_package_lock,
    from_requirements,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import Npm
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target

PACKAGE = Package("pypi", "my-server", "1.0")
WHEELS = {"my_server-1.0-py3-none-any.whl": b"server" * 500, "part-2.0-py3-none-any.whl": b"part" * 900}
NEEDS = Target("3.11.7", "x86_64", "glibc 2.17")
FIRST = f"artifacts/{min(WHEELS)}"

Parts = dict[str, tuple[tarfile.TarInfo, bytes]]


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def lock() -> bytes:
    server, part = WHEELS.values()
    return (
        f"my-server==1.0 \\\n    --hash={sha256(server)} \\\n    --hash={sha256(b'an sdist')}\n"
        f"part==2.0 \\\n    --hash={sha256(part)}\n"
    ).encode()


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A bundle in which nothing is wrong."""
    artifacts = {}
    for name, data in WHEELS.items():
        (tmp_path / name).write_bytes(data)
        artifacts[name] = (tmp_path / name, sha256(data))
    text = lock()
    closure = Closure(PACKAGE, from_requirements(PACKAGE, text.decode()), {"requirements.txt": text})
    bundle.write(Effects(), tmp_path / "whole.tar", closure, NEEDS, artifacts)
    return tmp_path / "whole.tar"


def parts_of(path: Path) -> Parts:
    parts = {}
    with tarfile.open(path) as packed:
        for member in packed:
            source = packed.extractfile(member)
            assert source is not None
            parts[member.name] = (member, source.read())
    return parts


def packed_again(path: Path, parts: Parts) -> Path:
    with tarfile.open(path, "w") as packed:
        for member, data in parts.values():
            member.size = len(data) if member.isreg() else 0
            packed.addfile(member, io.BytesIO(data))
    return path


def with_head(path: Path, **changes: Any) -> Path:
    """The bundle with other entries in its bundle.json."""
    parts = parts_of(path)
    member, data = parts["bundle.json"]
    parts["bundle.json"] = member, json.dumps({**json.loads(data), **changes}).encode()
    return packed_again(path, parts)


def with_member(path: Path, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Path:
    """The bundle with one more member."""
    extra = tarfile.TarInfo(name)
    extra.type, extra.linkname = kind, link
    return packed_again(path, {**parts_of(path), f"extra {name}": (extra, b"")})


def with_content(path: Path, name: str, data: bytes) -> Path:
    """The bundle with another content of a member."""
    parts = parts_of(path)
    return packed_again(path, {**parts, name: (parts[name][0], data)})


def shortened(path: Path, to: int) -> Path:
    path.write_bytes(path.read_bytes()[:to])
    return path


def without(path: Path, name: str) -> Path:
    parts = parts_of(path)
    del parts[name]
    return packed_again(path, parts)


def listed(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(parts_of(path)["bundle.json"][1])["artifacts"]
    return entries


def test_a_bundle_is_read_back_as_it_was_made_and_the_same_parts_give_the_same_bytes(
    whole: Path, tmp_path: Path
) -> None:
    found = bundle.read(whole)
    assert found.closure.package == PACKAGE
    assert found.closure.files == {"requirements.txt": lock()}
    assert found.needs == NEEDS
    assert found.size_bytes == sum(map(len, WHEELS.values()))
    bundle.verify(found)
    bundle.unpack(Effects(), found, tmp_path, lambda item: tmp_path / "new" / item.file)
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == WHEELS

    artifacts = {item.file: (tmp_path / "new" / item.file, item.hash) for item in found.artifacts}
    bundle.write(Effects(), tmp_path / "again.tar", found.closure, NEEDS, artifacts)
    assert (tmp_path / "again.tar").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.with_name("other.tar"), "it is not there"),
        (lambda path: shortened(path, 0), "cannot be read"),
        (lambda path: shortened(path, 700), "damaged"),
        (
            lambda path: shortened(path, path.stat().st_size // 2),
            "ends in the middle|is not in it|unexpected end",
        ),
        (lambda path: with_member(path, "../../etc/passwd"), "would leave its folder: '../../etc/passwd'"),
        (lambda path: with_member(path, "/etc/passwd"), "would leave its folder: '/etc/passwd'"),
        (lambda path: with_member(path, "artifacts/x.whl", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (lambda path: with_member(path, "artifacts/x.whl", tarfile.LNKTYPE, "bundle.json"), "is a link"),
        (lambda path: with_member(path, "artifacts/x", tarfile.CHRTYPE), "is a link or no plain file"),
        (lambda path: with_member(path, "artifacts", tarfile.DIRTYPE), "is a link or no plain file"),
        (lambda path: with_member(path, FIRST), "is in it twice"),
        (lambda path: with_member(path, "artifacts/more.whl"), "does not list: 'artifacts/more.whl'"),
        (lambda path: without(path, FIRST), "is not in it as it says"),
        (lambda path: without(path, "requirements.txt"), "has no requirements.txt"),
        (lambda path: without(path, "bundle.json"), "has no bundle.json"),
        (lambda path: with_content(path, "bundle.json", b"{"), "cannot be read"),
        (lambda path: with_content(path, FIRST, b"longer" * 999), "is not in it as it says"),
        (
            lambda path: with_content(path, "requirements.txt", lock() + b"more==1 --hash=sha256:0\n"),
            "not those",
        ),
        (lambda path: with_content(path, "requirements.txt", b"-r /etc/passwd\n" + lock()), "has options"),
        (lambda path: with_head(path, schema=2), "of another version of the collection .schema 2, not 1"),
        (lambda path: with_head(path, digest="0" * 64), "not those that it was made with"),
        (lambda path: with_head(path, scripts=True), "not those that it was made with"),
        (lambda path: with_head(path, needs={"python": 3}), "its python is 3"),
        (lambda path: with_head(path, artifacts=listed(path)[:1]), "lacks the wheel of part"),
        (lambda path: with_head(path, artifacts=[{"file": "a.whl"}]), "cannot be read"),
        (
            lambda path: with_head(
                path, artifacts=[{**listed(path)[0], "file": "../../x.whl"}, listed(path)[1]]
            ),
            "'../../x.whl' is no artifact",
        ),
        (
            lambda path: with_head(path, artifacts=[*listed(path), {**listed(path)[0], "hash": "sha256:0"}]),
            "is no artifact of its lock files",
        ),
    ],
)
def test_a_bundle_that_is_not_what_it_says_is_refused(
    whole: Path, damage: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(FleetError, match=said) as caught:
        bundle.read(damage(whole))
    assert re.search("mcp_release|Make it anew|Write it like", caught.value.cure)


def test_an_artifact_of_which_one_bit_was_turned_is_not_unpacked_as_whole(
    whole: Path, tmp_path: Path
) -> None:
    data = bytearray(whole.read_bytes())
    place = data.index(b"serverserver")
    data[place + 100] ^= 1
    whole.write_bytes(data)
    found = bundle.read(whole)
    said = r"my_server-1.0-py3-none-any.whl in it is not what its lock.*hash"
    with pytest.raises(FleetError, match=said):
        bundle.verify(found)
    with pytest.raises(FleetError, match=said):
        bundle.unpack(Effects(), found, tmp_path, lambda item: tmp_path / "new" / item.file)
    assert not (tmp_path / "new" / "my_server-1.0-py3-none-any.whl").exists()


def of_npm(path: Path, proof: str) -> bundle.Bundle:
    """A bundle of npm whose only archive has this hash, as it says."""
    package = Package("npm", "box", "1.0.0")
    entry = {"version": "1.0.0", "integrity": proof}
    packages = {"packages": {"": {}, "node_modules/box": entry}}
    files = {"package-lock.json": json.dumps(packages).encode(), "package.json": b"{}"}
    closure = Closure(package, from_package_lock(package, packages), files)
    path.with_name("archive").write_bytes(b"* * * * * root id\n")
    bundle.write(Effects(), path, closure, Target(), {"box-1.0.0.tgz": (path.with_name("archive"), proof)})
    return bundle.read(path)


def test_a_hash_that_leads_to_another_folder_writes_no_file_there(tmp_path: Path) -> None:
    npm, victim = Npm(Tools(), tmp_path / "cache"), tmp_path / "victim"
    for proof in (f"sha256:aaaa{victim}", f"sha256:aaaa../../../../../{victim}", "../../victim:" + "0" * 64):
        found = of_npm(tmp_path / "npm.tar", proof)
        with pytest.raises(FleetError, match="is no hash of"):
            bundle.unpack(
                Effects(), found, tmp_path / "shelf", lambda item: npm.shelved(tmp_path / "shelf", item)
            )
        assert not victim.exists()


def test_an_artifact_whose_place_is_not_on_the_shelf_is_written_nowhere(whole: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    for place in (tmp_path / "victim", shelf / ".." / "victim"):
        there = dict.fromkeys(bundle.read(whole).artifacts, place)
        with pytest.raises(FleetError, match="would leave its folder"):
            bundle.unpack(Effects(), bundle.read(whole), shelf, there.__getitem__)
    assert not (tmp_path / "victim").exists()


def test_a_bundle_that_could_not_be_written_leaves_nothing(whole: Path, tmp_path: Path) -> None:
    found = bundle.read(whole)
    gone = {item.file: (tmp_path / "new" / item.file, item.hash) for item in found.artifacts}
    (tmp_path / "new").mkdir()
    for item in found.artifacts:
        (tmp_path / "new" / item.file).write_bytes(b"")
    # It is read while it is packed: a file that shrank makes a bundle that would be damaged.
    before = sorted(tmp_path.iterdir())

    class Shrinking(Effects):
        def act(self, name: str, target: str, function: Callable[[], Any]) -> Any:
            for path, _proof in gone.values():
                path.unlink(missing_ok=True)
            return super().act(name, target, function)

    with pytest.raises(OSError, match="No such file"):
        bundle.write(Shrinking(), tmp_path / "again.tar", found.closure, NEEDS, gone)
    assert sorted(tmp_path.iterdir()) == before


def test_hashes_are_read_as_npm_and_as_uv_write_them() -> None:
    assert bundle.hash_parts(f"sha256:{'0f' * 32}") == ("sha256", "0f" * 32)
    assert bundle.hash_parts(f"sha384-{base64.b64encode(bytes(48)).decode()}?x") == ("sha384", "00" * 48)


@pytest.mark.parametrize(
    "proof", ["", "sha256", "sha256:00ff", f"sha256:{'g' * 64}", f"md5:{'0' * 32}", "sha512-AP8=", "sha512-é"]
)
def test_what_is_no_whole_hash_of_a_known_kind_is_none(proof: str) -> None:
    with pytest.raises(ValueError, match="hash"):
        bundle.hash_parts(proof)
