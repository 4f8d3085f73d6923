# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in the inventory: found on the controller, before anything is changed anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.playbooks.fleet import Fleet, box


@pytest.fixture
def unprepared(tmp_path: Path) -> Fleet:
    """A fleet that nobody starts."""
    return Fleet(tmp_path, {}, tmp_path / "cache")


CHECKS = ["Refuse an inventory without hosts", "Check what the inventory says of all hosts"]
"""All that runs before a definition is refused; none of it changes anything."""

WRONG: list[tuple[str, Any, str]] = [
    (
        "an unknown key",
        [box(colour="red")],
        "box: read the definition: unknown key colour. Known keys: name,",
    ),
    (
        "a path as name",
        [box("../../etc")],
        "server '../../etc': read the definition, name: '../../etc' is not allowed",
    ),
    (
        "a name with a space",
        [box("a b")],
        "server 'a b': read the definition, name: 'a b' is not allowed. Write it like",
    ),
    (
        "a name for the shell",
        [box("a;reboot")],
        "server 'a;reboot': read the definition, name: 'a;reboot' is not allowed",
    ),
    (
        "two of one name",
        [box(), box()],
        "name box: box and box both have it. Give each server a name of its own.",
    ),
    (
        "two of one route",
        [box(), box("other", route="/box")],
        "route /box: box and other both have it. Give each server a route of its own.",
    ),
    (
        "a number as version",
        [box(package={**box()["package"], "version": 2.0})],
        'box: read the definition, package.version: it is float 2.0, not text. Quote it, like "2026.8.18".',
    ),
    (
        "no port told",
        [box(arguments=[])],
        "box: read the definition: nothing in arguments or environment has {port}",
    ),
    ("no list", {"box": 1}, "Write it as a list of definitions."),
]


@pytest.mark.parametrize("wrong", [WRONG[:3], WRONG[3:6], WRONG[6:]], ids=["names", "shared", "values"])
def test_a_wrong_definition_stops_the_run_before_its_first_change_and_says_what_to_write(
    unprepared: Fleet, wrong: list[tuple[str, Any, str]]
) -> None:
    for node, (_what, servers, _message) in zip(unprepared.hosts, wrong, strict=True):
        unprepared.hosts[node]["mcp_servers"] = servers
    unprepared.write()
    run = unprepared.run("site").failed()
    for what, _servers, message in wrong:
        assert message in run.output, what
    assert run.tasks() == CHECKS
    assert not [node for node in unprepared.hosts if (unprepared.root / node).exists()]


def test_one_wrong_host_keeps_all_others_from_being_changed(unprepared: Fleet) -> None:
    unprepared.hosts["node3"]["mcp_servers"] = [box(colour="red")]
    unprepared.write()
    run = unprepared.run("update").failed()
    assert run.tasks() == CHECKS
