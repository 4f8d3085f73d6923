# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the eras that clients use: added up over looks, restarts and time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.eras import Counted, Worker
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.eras.known import Known
from ansible_collections.mcpops.fleet.plugins.module_utils.eras.ledger import Ledger
from ansible_collections.mcpops.fleet.plugins.module_utils.eras.usage import DAY, Usage, looked_again
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment

BOOTED = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""


def at(day: float, boot: str = "one") -> Moment:
    """A point in time, by days since the host was started."""
    return Moment(BOOTED + day * DAY, day * DAY, boot)


def worker(
    process: int,
    uptime_days: float,
    idle_days: float = 0.0,
    requests: int = 0,
    sessions: int = 0,
    **more: bool,
) -> Worker:
    """A HAProxy process that counted legacy requests to ``box``; none: no entry."""
    counted = Counted(requests, sessions, idle_days * DAY, **more)
    return Worker(process, uptime_days * DAY, {"box": {"legacy": counted}} if requests else {})


def look(before: Usage | None, day: float, *workers: Worker) -> Usage:
    return looked_again(before, workers, "box", at(day))


def test_counts_of_one_process_are_added_once() -> None:
    first = look(None, 1, worker(7, 1, requests=5, sessions=2))
    second = look(first, 1.1, worker(7, 1.1, requests=8, sessions=2))
    third = look(second, 1.2, worker(7, 1.2, 0.1, requests=8, sessions=2))
    assert third.eras["legacy"].counts(7, at(1.2)) == (8, 2)
    assert third.eras["legacy"].seen == at(1.1)


def test_a_restart_of_haproxy_counts_from_nothing_and_forgets_nothing() -> None:
    first = look(None, 1, worker(7, 1, requests=5))
    second = look(first, 1.01, worker(8, 0.005, requests=3))
    assert second.eras["legacy"].counts(7, at(1.01)) == (8, 0)
    assert second.known(at(1.01)) == pytest.approx(1.01)


def test_a_process_of_the_same_id_that_started_since_is_another() -> None:
    first = look(None, 1, worker(7, 1, requests=5))
    second = look(first, 1.01, worker(7, 0.005, requests=9))
    assert second.eras["legacy"].counts(7, at(1.01)) == (14, 0)


def test_what_a_reload_left_behind_is_counted_too() -> None:
    first = look(None, 1, worker(7, 1, requests=5))
    second = look(first, 1.01, worker(8, 0.005, requests=1), worker(7, 1.01, requests=6))
    third = look(second, 1.02, worker(8, 0.015, 0.01, requests=1))
    assert third.eras["legacy"].counts(7, at(1.02)) == (7, 0)


def test_use_that_went_unseen_for_long_is_not_claimed_to_be_known() -> None:
    first = look(None, 1, worker(7, 1, requests=5))
    second = look(first, 5, worker(8, 2))
    assert second.known(at(5)) == 2
    assert second.eras["legacy"].seen == at(1)


def test_haproxy_that_nobody_asked_for_longer_than_it_remembers_is_known_for_that_long() -> None:
    first = look(None, 1, worker(7, 1))
    assert look(first, 31, worker(7, 31)).known(at(31)) == 20


def test_a_request_under_way_is_a_use_now() -> None:
    usage = look(None, 5, worker(7, 5, 4, requests=1, under_way=True))
    assert usage.eras["legacy"].seen == at(5)


def test_a_use_is_not_forgotten_when_the_clock_is_set() -> None:
    usage = look(None, 5, worker(7, 5, requests=1))
    a_year_on = Moment(at(6).wall + 365 * DAY, at(6).since_boot, "one")
    assert Known(usage, None, 7, a_year_on).in_use("legacy")


def test_counts_belong_to_days_and_old_days_are_let_go() -> None:
    usage = look(None, 1, worker(7, 1, requests=5))
    usage = look(usage, 4, worker(7, 4, requests=6))
    assert usage.eras["legacy"].counts(2, at(4)) == (1, 0)
    usage = look(usage, 95, worker(7, 95, requests=7))
    assert list(usage.eras["legacy"].days.values()) == [(1, 0)]


def test_what_is_kept_reads_back_as_it_was() -> None:
    usage = look(None, 1, worker(7, 1, requests=5, sessions=2))
    assert Usage.from_json(usage.to_json().decode()) == usage


def known(days: float, day: float, uptime: float = 30, idle: float = 0.0, requests: int = 9) -> Known:
    usage = look(None, day, worker(7, uptime, idle, requests=requests))
    return Known(usage, None, days, at(day))


@pytest.mark.parametrize(
    ("what", "in_use"),
    [
        (known(7, 30, idle=2), True),
        (known(7, 30, idle=8), False),
        (known(7, 30, requests=0), False),
        (known(7, 30, uptime=3, requests=0), None),
        (known(0, 30), None),
        (Known(None, "it did not answer", 7, at(30)), None),
    ],
)
def test_an_era_is_in_use_not_in_use_or_not_known(what: Known, in_use: bool | None) -> None:
    assert what.in_use("legacy") is in_use
    assert bool(what.objection(["legacy"], [])) == bool(in_use)


def test_an_era_that_was_let_go_explicitly_may_be_dropped() -> None:
    assert known(7, 30).objection(["legacy"], ["legacy"]) is None
    assert known(7, 30).objection(["modern"], []) is None


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (known(7, 30), "legacy was last used at 2027-02-14T08:00:00Z, 9 requests, 0 sessions in 7 days"),
        (
            known(7, 30, idle=8),
            "nobody was seen to use legacy since 2027-02-06 "
            "(on this host, watched since 2027-01-25T08:00:00Z)",
        ),
        (
            known(7, 30, uptime=1, requests=0),
            "nobody was seen to use legacy (on this host, watched since 2027-02-13T08:00:00Z)",
        ),
        (
            Known(None, "it did not answer", 7, at(1)),
            "whether clients use legacy is not known (it did not answer)",
        ),
    ],
)
def test_words_say_what_was_seen_and_for_how_long_it_was_watched(what: Known, said: str) -> None:
    assert what.words(["legacy"]) == said


class OneWorker:
    """An edge that has counted what it is given."""

    def __init__(self, *workers: Worker) -> None:
        self.workers = workers

    def eras(self) -> tuple[Worker, ...]:
        return self.workers


def ledger(state: Path, day: float, *workers: Worker) -> Ledger:
    return Ledger(Effects(), state, OneWorker(*workers), lambda: at(day))


def test_a_look_without_news_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    file = tmp_path / "box" / "eras.json"
    ledger(tmp_path, 1, worker(7, 1, requests=5)).look(["box"])
    written = file.stat().st_ino
    ledger(tmp_path, 1.001, worker(7, 1.001, 0.001, requests=5)).look(["box"])
    assert file.stat().st_ino == written
    ledger(tmp_path, 1.002, worker(7, 1.002, requests=6)).look(["box"])
    assert file.stat().st_ino != written


def test_a_look_that_is_not_to_be_kept_or_has_no_place_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    assert ledger(tmp_path, 1, worker(7, 1, requests=5)).look(["box"], keep=False)["box"].eras
    ledger(tmp_path, 1, worker(7, 1)).look(["other"])
    assert [path.name for path in tmp_path.rglob("*")] == ["box"]


def test_what_cannot_be_understood_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "eras.json").write_text("{")
    with pytest.raises(FleetError, match="damaged"):
        ledger(tmp_path, 1, worker(7, 1, requests=5)).look(["box"])
    assert (tmp_path / "box" / "eras.json").read_text() == "{"
