# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does by itself about a change that was cut off: a table of records, and what is kept for it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.lookup.recovery_archive import archive
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.kept import kept, restored
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse, parse_name
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import (
    Deployment,
    Record,
    Transaction,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.recovery.judge import judge

BOOT, BEFORE = "this boot", "the one before"
NOW = Moment(wall=10_000, since_boot=5_000, boot=BOOT)
AFTER = 900
HELD = Deployment("pypi", "x", "1", "d", "/r", {}, "c")


def ago(seconds: float, boot: str = BOOT) -> Moment:
    return Moment(NOW.wall - seconds, NOW.since_boot - seconds, boot)


def under_way(step: str | None, progressed: Moment, kind: str = "update", **more: Any) -> Record:
    transaction = Transaction(
        kind, "blue", "green", 2, ago(9_000), step, progressed=progressed, definition={}, **more
    )
    return Record("x", slots={"green": HELD}, transaction=transaction)


def switched(progressed: Moment) -> Record:
    return under_way("switched", progressed, switched=progressed)


@pytest.mark.parametrize(
    ("record", "after", "due", "why"),
    [
        (switched(ago(899)), AFTER, False, "899 s ago"),
        (switched(ago(900)), AFTER, True, "nobody went on with it for 900 s"),
        # Its clock began anew: what counts is that it did.
        (switched(ago(1, BEFORE)), AFTER, True, "restarted"),
        (switched(ago(1, BEFORE)), 0, True, "restarted"),
        (switched(ago(90_000)), 0, False, "mcp_recover_after is 0"),
        (under_way("baked", ago(901), switched=ago(999)), AFTER, True, "nobody"),
        (under_way("started", ago(901)), AFTER, True, "nobody"),
        (under_way(None, ago(901), "rollback"), AFTER, True, "nobody"),
        (under_way("started", ago(10), "rollback"), AFTER, False, "10 s ago"),
        (under_way(None, ago(901), "remove"), AFTER, True, "nobody"),
        # Cut off when it was begun, or in the middle of being undone.
        (under_way("staged", ago(901)), AFTER, True, "nobody"),
        # An operator may have staged on purpose, and no client is concerned.
        (under_way("ready", ago(90_000)), AFTER, False, "no client"),
        (under_way("ready", ago(1, BEFORE)), AFTER, False, "no client"),
        # The switch was begun: whether it was made, only the edge knows.
        (under_way("ready", ago(901), switched=ago(901)), AFTER, True, "nobody"),
    ],
)
def test_what_was_cut_off_is_due_when_nobody_goes_on_with_it(
    record: Record, after: float, due: bool, why: str
) -> None:
    verdict = judge(record, NOW, after)
    assert verdict and (verdict.due, why in verdict.why) == (due, True), verdict


def test_nothing_is_said_of_a_server_on_which_nothing_is_under_way() -> None:
    assert judge(Record("x"), NOW, AFTER) is None


def test_what_an_older_version_of_the_collection_began_is_left_to_the_next_run() -> None:
    record = switched(ago(90_000, BEFORE))
    assert record.transaction
    text = replace(record, transaction=replace(record.transaction, definition=None)).to_json()
    older = json.loads(text)
    del older["transaction"]["definition"], older["transaction"]["progressed"]
    verdict = judge(Record.from_json(json.dumps(older)), NOW, AFTER)
    assert verdict and (verdict.due, verdict.forgotten) == (False, True)


def test_what_is_kept_of_a_definition_moves_a_server_and_has_no_secrets() -> None:
    definition = parse(
        {
            "name": "box",
            "package": {"registry_type": "pypi", "identifier": "box", "version": "1.0"},
            "transport": "streamable-http",
            "arguments": ["--port", "{port}", "--key", "an-argument"],
            "environment": {"SEEN": "an-environment"},
            "credentials": {"SECRET": "a-credential"},
            "path": "/elsewhere",
            "route": "/route",
            "require": {"tools": ["a"], "calls": [{"tool": "a", "arguments": {"x": 1}, "expect": "y"}]},
            "update": {"drain": 7},
        }
    )
    text = json.dumps(kept(definition))
    assert not [word for word in ("an-argument", "an-environment", "a-credential") if word in text]
    back = restored(json.loads(text))
    shared = ("name", "package", "transport", "path", "route", "require", "update")
    assert [getattr(back, key) for key in shared] == [getattr(definition, key) for key in shared]
    assert kept(back) == kept(definition)


def test_a_removal_by_name_alone_is_kept_too() -> None:
    definition = parse_name({"name": "box", "transport": "stdio"})
    assert restored(json.loads(json.dumps(kept(definition)))) == definition


def test_the_archive_is_the_same_each_time_and_runs_without_ansible(tmp_path: Path) -> None:
    program = tmp_path / "mcp-recover.pyz"
    program.write_bytes(archive())
    assert program.read_bytes() == archive()
    asked = [sys.executable, "-I", "-S", str(program), "--config", str(tmp_path / "none"), "--after", "900"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("<3>") and "Prepare this host with the role host first." in done.stdout
