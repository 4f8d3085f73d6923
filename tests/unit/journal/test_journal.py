# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a server: what is written comes back, damage is never written over, one writer at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import (
    Deployment,
    Record,
    Result,
    Transaction,
)

MOMENT = Moment(wall=1.5, since_boot=2.5, boot="b")
DEPLOYMENT = Deployment(
    registry_type="pypi", identifier="x", version="1", release="d", path="/r", configuration={"a": [1]},
    configuration_digest="c", offer={"eras": ["legacy"]}, address="127.0.0.1", activated=MOMENT,
)  # fmt: skip
FULL = Record(
    server="time", ports=(1, 2), slots={"blue": DEPLOYMENT, "green": replace(DEPLOYMENT, activated=None)},
    active="blue", previous="green", generation=7,
    transaction=Transaction("update", "blue", "green", 7, MOMENT, "baked", MOMENT, MOMENT, "why", DEPLOYMENT),
    last=Result("update", "undone", "a", "b", MOMENT, "why", "log"),
)  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(Effects(), tmp_path)


@pytest.mark.parametrize("record", [FULL, Record("time"), replace(FULL, transaction=None, last=None)])
def test_a_record_comes_back_as_it_was_saved(journal: Journal, record: Record) -> None:
    journal.save(record)
    assert journal.load("time") == record
    assert journal.servers() == ["time"]


def test_a_server_without_a_record_has_an_empty_one(journal: Journal) -> None:
    assert journal.load("time") == Record("time")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "", "{", "[]", "null", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "x": 2}']
)
def test_a_damaged_record_is_an_error_and_stays_as_it_is(journal: Journal, tmp_path: Path, text: str) -> None:
    (tmp_path / "time").mkdir()
    (tmp_path / "time" / "journal.json").write_text(text)
    with pytest.raises(FleetError, match="damaged or of another version"):
        journal.load("time")
    assert (tmp_path / "time" / "journal.json").read_text() == text


def test_a_record_of_another_server_is_damage(journal: Journal, tmp_path: Path) -> None:
    journal.save(FULL)
    (tmp_path / "time").rename(tmp_path / "clock")
    with pytest.raises(FleetError, match="damaged .* 'time'.*move it away") as caught:
        journal.load("clock")
    assert (caught.value.server, journal.servers()) == ("clock", ["clock"])


def edited(path: tuple[str, ...], value: object) -> str:
    """The full record, with another value in one place."""
    raw = json.loads(FULL.to_json())
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(raw)


EDITS: list[tuple[tuple[str, ...], tuple[object, ...]]] = [
    (("server",), (7, None)),
    (("ports",), (None, 7, "ab", [1], [1, 1], [1, 2, 3], [0, 1], [1, 65536], [1, "2"], [1, True], [[1], 2])),
    (("slots",), (None, [], "blue", {"red": {}}, {"blue": None}, {"blue": []})),
    (("slots", "red"), (json.loads(FULL.to_json())["slots"]["blue"],)),
    (("active",), ("red", "", 1, [])),
    (("previous",), ("red", {})),
    (("generation",), (-1, True, 1.0, "1", None)),
    (("protected",), (None, 1, "yes")),
    (("last",), ([], "x", {}, 0)),
    (("last", "at"), (None, [], "now")),
    (("last", "source"), (1, {})),
    (("transaction",), ([], "x", {}, 0)),
    (("transaction", "step"), ("installed", [], 1)),
    (("transaction", "kind"), ("upgrade", [], None)),
    (("transaction", "origin"), ("red", "", 1, "green")),
    (("transaction", "target"), ("red", "", None, [])),
    (("transaction", "generation"), (None, "7", -1, True)),
    (("transaction", "started"), (None, 0, [], {}, {"wall": 1, "since_boot": "x", "boot": "b"})),
    (("transaction", "switched"), (0, "", [], {})),
    (("transaction", "progressed"), ("now",)),
    (("transaction", "reason"), (1, [])),
    (("transaction", "definition"), ([], "x")),
    (("transaction", "displaced"), ([], {}, "x")),
    (("transaction", "displaced", "path"), ("r", None)),
    (("transaction", "started", "wall"), ("x", True, float("nan"), float("inf"), 1e18)),
    (("transaction", "started", "boot"), (None, 1)),
    *(
        (("slots", "blue", key), (None, 1, [], {}))
        for key in ("registry_type", "identifier", "version", "release", "configuration_digest")
    ),
    (("slots", "blue", "path"), (None, 1, "r", "../r")),
    (("slots", "blue", "configuration"), (None, [], "x")),
    (("slots", "blue", "configuration", "environment"), (7, None, ["A"])),
    (("slots", "blue", "configuration", "credentials"), (7, None, [1])),
    (("slots", "blue", "configuration", "path"), (7, [])),
    (("slots", "blue", "offer"), ([], "x", 1, {"eras": 5}, {"eras": [1]}, {"tools": 5})),
    (("slots", "blue", "definition"), ([], "x", 1)),
    (("slots", "blue", "address"), (1, [])),
    (("slots", "blue", "sha256"), (1, {})),
    (("slots", "blue", "files"), (1, [])),
    (("slots", "blue", "activated"), (0, "", [], {"wall": 1})),
]


@pytest.mark.parametrize(
    ("path", "value"),
    [(path, value) for path, values in EDITS for value in values],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else repr(part)[:20],
)
def test_a_record_that_somebody_edited_is_damage_where_it_is_read(
    journal: Journal, tmp_path: Path, path: tuple[str, ...], value: object
) -> None:
    (tmp_path / "time").mkdir()
    (tmp_path / "time" / "journal.json").write_text(edited(path, value))
    with pytest.raises(FleetError, match="damaged or of another version") as caught:
        journal.load("time")
    assert str(tmp_path / "time" / "journal.json") in caught.value.tried
    assert "move it away" in caught.value.cure


@pytest.mark.parametrize(("kind", "step"), [("update", None), ("rollback", "ready")])
def test_a_change_to_a_slot_that_holds_nothing_is_damage(kind: str, step: str | None) -> None:
    assert FULL.transaction
    transaction = replace(FULL.transaction, kind=kind, step=step)
    content = replace(FULL, slots={"blue": DEPLOYMENT}, transaction=transaction).to_json().decode()
    with pytest.raises(ValueError, match="nothing is in the slot 'green'"):
        Record.from_json(content)


ADOPTED = replace(
    DEPLOYMENT, registry_type="", identifier="unknown", version="unknown", release="", path="",
    configuration={"transport": "stdio", "path": None}, configuration_digest="", offer=None, activated=None,
)  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        replace(FULL, ports=(), slots={"blue": ADOPTED}, transaction=None, previous="green"),
        replace(FULL, slots={}, active=None, previous=None, generation=0, transaction=None, protected=True),
        replace(FULL, transaction=Transaction("remove", "blue", "", 7, MOMENT, switched=MOMENT)),
        replace(FULL, slots={}, transaction=Transaction("remove", None, "", 0, MOMENT)),
        replace(
            FULL, slots={"blue": ADOPTED}, transaction=Transaction("rollback", "blue", "green", 8, MOMENT)
        ),
        replace(FULL, transaction=Transaction("update", None, "blue", 1, MOMENT)),
    ],
    ids=["adopted", "ports alone", "removal", "removal of nothing", "rollback to nothing", "first"],
)
def test_whatever_the_collection_writes_is_read(record: Record) -> None:
    assert Record.from_json(record.to_json().decode()) == record


def test_a_lock_is_refused_while_another_run_holds_it_and_free_when_that_was_killed(
    journal: Journal, tmp_path: Path
) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal\n"
        "from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects\n"
        f"with Journal(Effects(), Path({str(tmp_path)!r})).lock('time', 0):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    # What pytest put on the path for us, a process of its own lacks.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(FleetError, match=f"process {holder.pid}"), journal.lock("time", 0.1):
            pass
        with journal.lock("other", 0):
            pass
        holder.kill()
        holder.wait()
    with journal.lock("time", 5):
        pass


def test_time_goes_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Moment.now()
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall - 86400)
    assert 0 <= moment.elapsed() < 60


def test_after_a_reboot_the_wall_clock_counts_and_never_backwards() -> None:
    booted = replace(Moment.now(), since_boot=10.0)
    assert replace(booted, boot="earlier", wall=booted.wall - 100).elapsed(booted) == 100
    # The clock was set back since: it is as long ago as the host has been up, at least.
    assert replace(booted, boot="earlier", wall=booted.wall + 100).elapsed(booted) == 10


def test_a_record_of_a_collection_that_kept_less_is_read() -> None:
    raw = json.loads(FULL.to_json())
    del raw["protected"], raw["transaction"]["progressed"], raw["transaction"]["definition"]
    for deployment in (*raw["slots"].values(), raw["transaction"]["displaced"]):
        del deployment["definition"], deployment["files"], deployment["sha256"]
    assert Record.from_json(json.dumps(raw)) == FULL
