# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content whose hash a definition pins is shipped as it was pinned, or refused by the controller.

What hosts refuse of what was changed on the way to them is in tests/integration/update/test_mcpb.py.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.definition.package import parse_package
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.server_json import plain, read
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundle import Bundle
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles, tools_here
from ansible_collections.mcpops.fleet.plugins.module_utils.release.contents import hash_of, located
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import Target
from tests.support.content import make_folder, make_mcpb
from tests.support.site import trusted_site


@dataclass(frozen=True)
class Pinned:
    """Content that a definition pins: where it is, the definition, and what changes the content.

    What was changed is as good as before in every way but that it is another: only its hash tells.
    """

    place: Path
    definition: dict[str, Any]
    change: Callable[[], object]


def definition_of(kind: str, identifier: str, place: Path) -> dict[str, Any]:
    package = {"registry_type": kind, "identifier": identifier, "version": "1.0.0"}
    return {"name": "box", "package": {**package, "sha256": hash_of(place)}}


def mcpb(work: Path) -> Pinned:
    place = make_mcpb(work / "box-1.0.0.mcpb", work / "one", "1.0.0")
    return Pinned(place, definition_of("mcpb", str(place), place), lambda: remake(place, work / "two"))


def remake(place: Path, folder: Path) -> None:
    make_mcpb(place, folder, "1.0.0", description="changed")


def local_folder(work: Path) -> Pinned:
    place = make_folder(work / "box", "1.0.0")
    return Pinned(
        place,
        definition_of("local", str(place), place),
        lambda: (place / "server.py").write_text("print('changed')\n"),
    )


def local_archive(work: Path) -> Pinned:
    folder, place = make_folder(work / "box", "1.0.0"), work / "box-1.0.0.tar.gz"

    def pack() -> None:
        with tarfile.open(place, "w:gz") as packed:
            packed.add(folder, "box-1.0.0")

    def change() -> None:
        (folder / "server.py").write_text("print('changed')\n")
        pack()

    pack()
    return Pinned(place, definition_of("local", str(place), place), change)


def described(work: Path) -> Pinned:
    """A bundle that a server.json names, with its ``fileSha256``."""
    pinned = mcpb(work)
    package = {
        "registryType": "mcpb",
        "identifier": str(pinned.place),
        "fileSha256": pinned.definition["package"]["sha256"],
        "transport": {"type": "stdio"},
    }
    schema = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    document = {"$schema": schema, "name": "io.example/box", "version": "1.0.0", "packages": [package]}
    (work / "server.json").write_text(json.dumps(document))
    named = {"server_json": str(work / "server.json"), "server_json_package": "mcpb"}
    return Pinned(pinned.place, {"name": "box", **named}, pinned.change)


@contextmanager
def at_its_path(pinned: Pinned, _work: Path) -> Iterator[dict[str, Any]]:
    yield pinned.definition


@contextmanager
def at_an_address(pinned: Pinned, work: Path) -> Iterator[dict[str, Any]]:
    with trusted_site(pinned.place.parent, work) as site:
        package = {**pinned.definition["package"], "identifier": f"{site}/{pinned.place.name}"}
        yield {**pinned.definition, "package": package}


def bundle_for(definition: dict[str, Any], folder: Path) -> Bundle:
    """What the controller ships for a definition."""
    named = parse_package("box", plain(definition, read)["package"])
    made, _now = Bundles(Effects(), folder, tools_here(Tools())).make(
        located(*named.parts()), Target(), timeout=60, source=named.source
    )
    return made


@pytest.mark.parametrize(
    ("make", "reached"),
    [
        (mcpb, at_its_path),
        (mcpb, at_an_address),
        (local_folder, at_its_path),
        (local_archive, at_its_path),
        (described, at_its_path),
    ],
    ids=["mcpb", "mcpb over https", "local folder", "local archive", "fileSha256 of a server.json"],
)
def test_pinned_content_that_was_changed_is_refused_by_the_controller_and_nothing_of_it_stays(
    make: Callable[[Path], Pinned], reached: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "content").mkdir()
    pinned = make(tmp_path / "content")
    with reached(pinned, tmp_path) as definition:
        asked = bundle_for(definition, tmp_path / "bundles").closure.package.sha256
        assert asked == hash_of(pinned.place)
        pinned.change()
        changed = hash_of(pinned.place)
        assert changed != asked
        with pytest.raises(FleetError, match=f"its sha256 is {changed}, and {asked} is asked for"):
            bundle_for(definition, tmp_path / "others")
    assert not [
        path for path in (tmp_path / "others").rglob("*") if path.is_file() and path.suffix != ".lock"
    ]


def test_what_was_shipped_before_the_content_changed_is_still_what_is_pinned(tmp_path: Path) -> None:
    pinned = mcpb(tmp_path)
    first = bundle_for(pinned.definition, tmp_path / "bundles")
    pinned.change()
    assert bundle_for(pinned.definition, tmp_path / "bundles") == first
