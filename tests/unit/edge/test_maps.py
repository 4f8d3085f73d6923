# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Map files: what is written is what is read, and one server's part is changed alone."""

from __future__ import annotations

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import routes_of
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import (
    NAMES,
    Maps,
    ServerMaps,
    Target,
    parse,
    render,
)

TARGET = Target("::1", 21000, "/mcp/x")
MAPS = Maps(
    routes={"/time": "time", "/time/": "time", "/box": "box"},
    active={"time": 3, "box": 1},
    generations={("time", 3): TARGET, ("time", 2): Target("127.0.0.1", 21001, "/"), ("box", 1): TARGET},
)


def test_files_give_back_what_was_rendered() -> None:
    assert Maps.from_entries({name: parse(render(MAPS.entries(name)).decode()) for name in NAMES}) == MAPS


def test_comments_and_blank_lines_of_a_file_are_passed_over() -> None:
    assert parse("# by hand\n\n/time  time \n") == {"/time": "time"}


@pytest.mark.parametrize(
    ("name", "entry"),
    [("active", {"x": "17"}), ("generations", {"x": "a|1|/"}), ("generations", {"x/g1": "a|b|/"})],
)
def test_a_foreign_entry_is_no_map(name: str, entry: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Maps.from_entries({**{each: {} for each in NAMES}, name: entry})


def test_changing_one_server_leaves_the_others_as_they_are() -> None:
    part = ServerMaps(routes=("/t",), active=4, generations={4: TARGET})
    changed = MAPS.with_server("time", part)
    assert (changed.of("time"), changed.of("box")) == (part, MAPS.of("box"))
    assert changed.with_server("time", ServerMaps()).of("time") == ServerMaps()


@pytest.mark.parametrize(("route", "paths"), [("/a", ("/a", "/a/")), ("/a/", ("/a", "/a/")), ("/", ("/",))])
def test_a_route_is_reached_with_and_without_a_slash_at_its_end(route: str, paths: tuple[str, ...]) -> None:
    assert routes_of(route) == paths
