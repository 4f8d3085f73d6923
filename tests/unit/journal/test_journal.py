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


@pytest.mark.parametrize(
    ("key", "value"),
    [("step", "installed"), ("kind", "upgrade"), ("started", {"wall": 1, "since_boot": "x", "boot": "b"})],
)
def test_a_change_under_way_that_somebody_edited_is_damage(
    journal: Journal, tmp_path: Path, key: str, value: object
) -> None:
    journal.save(FULL)
    path = tmp_path / "time" / "journal.json"
    raw = json.loads(path.read_text())
    raw["transaction"][key] = value
    path.write_text(json.dumps(raw))
    with pytest.raises(FleetError, match="damaged or of another version"):
        journal.load("time")


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
    assert replace(Moment.now(), boot="earlier", wall=time.time() - 100).elapsed() >= 100
    assert replace(Moment.now(), boot="earlier", wall=time.time() + 100).elapsed() == 0


def test_a_record_of_a_collection_that_knew_no_hash_of_content_is_read() -> None:
    raw = json.loads(FULL.to_json())
    for deployment in raw["slots"].values():
        del deployment["sha256"]
    assert Record.from_json(json.dumps(raw)) == FULL
