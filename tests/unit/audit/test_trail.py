# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding to an audit: killed in the middle, two at once, on a full disk, with secrets in what is told."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit import trail as trail_module
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.account import (
    LONGEST_TEXT,
    Account,
    Who,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.line import Head
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.query import (
    Query,
    exported,
    moment,
    open_changes,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.trail import (
    CURRENT,
    LONGEST_LINE,
    SMALLEST_FILE,
    Limits,
    Trail,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

T = TypeVar("T")
SECRET = "s3cr3t-of-the-server"
WRITER = """
import sys
from pathlib import Path
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.trail import Limits, Trail
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
trail = Trail(Effects(), Path(sys.argv[1]), Limits(1, 1000))
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    trail.append({"event": "ended", "time": "t", "who": sys.argv[3], "n": number, "pad": "x" * 3000})
"""


def entry(number: int = 0) -> dict[str, object]:
    return {"event": "ended", "time": "2026-11-26T00:00:00Z", "n": number}


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(Effects(), tmp_path / "audit")


def current(trail: Trail, tmp_path: Path) -> Path:
    return tmp_path / "audit" / CURRENT


def begin(folder: Path, count: int, who: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", WRITER, str(folder), str(count), who]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def test_a_new_audit_can_be_read_by_its_owner_and_group_alone(trail: Trail, tmp_path: Path) -> None:
    assert (trail.head(), trail.parts()) == (Head(), [])
    assert not (tmp_path / "audit").exists()
    trail.append(entry())
    assert current(trail, tmp_path).stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("cut", [1, 10, 60, -1], ids=["one byte", "some", "much", "all but the newline"])
def test_a_line_in_which_a_run_was_killed_is_told_of_and_the_chain_goes_on(
    trail: Trail, tmp_path: Path, cut: int
) -> None:
    trail.append(entry(1))
    whole = current(trail, tmp_path).read_bytes()
    trail.append(entry(2))
    line = current(trail, tmp_path).read_bytes()[len(whole) :]
    current(trail, tmp_path).write_bytes(whole + line[:cut])
    before = check(trail.parts())
    assert before.problems == ()
    trail.append(entry(3))
    after = check(trail.parts())
    assert (after.problems, after.head) == ((), trail.head())
    # What was whole but for its end counts as written.
    assert [dict(each.fields).get("n") for each in after.lines] == ([1, 2, 3] if cut == -1 else [1, None, 3])
    assert after.torn == (0 if cut == -1 else 1)
    assert line[:cut].rstrip(b"\n") in current(trail, tmp_path).read_bytes()


def test_a_repair_that_was_killed_itself_is_repaired_too(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry(1))
    with current(trail, tmp_path).open("ab") as stream:
        stream.write(b'{"event":"end\n{"event":"repai')
    trail.append(entry(2))
    chain = check(trail.parts())
    assert (chain.problems, chain.torn) == ((), 2)


def test_zeros_that_a_power_loss_left_are_a_torn_line(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry(1))
    with current(trail, tmp_path).open("ab") as stream:
        stream.write(b"\0" * 700)
    trail.append(entry(2))
    chain = check(trail.parts())
    assert (chain.problems, chain.torn, len(chain.lines)) == ((), 1, 3)


@pytest.mark.parametrize("left", [b"\0" * 700, b'{"event":"rota'], ids=["zeros", "a part"])
def test_a_torn_line_that_is_the_first_after_a_rotation_does_not_begin_another_chain(
    tmp_path: Path, left: bytes
) -> None:
    trail = Trail(Effects(), tmp_path / "audit", Limits(file_bytes=1, files=3))
    while not list((tmp_path / "audit").glob("audit-*.jsonl")):
        trail.append(entry(1))
    current(trail, tmp_path).write_bytes(left)
    trail.append(entry(2))
    chain = check(trail.parts())
    assert (chain.problems, chain.torn, chain.head) == ((), 1, trail.head())


def test_the_torn_line_cannot_be_exchanged_for_another(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry(1))
    with current(trail, tmp_path).open("ab") as stream:
        stream.write(b'{"event":"end')
    trail.append(entry(2))
    data = current(trail, tmp_path).read_bytes()
    current(trail, tmp_path).write_bytes(data.replace(b'{"event":"end\n', b'{"event":"odd\n'))
    [problem] = check(trail.parts()).problems
    assert problem.number == 2


def test_a_last_line_that_somebody_changed_is_not_written_behind(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry(1))
    data = current(trail, tmp_path).read_bytes()
    current(trail, tmp_path).write_bytes(data.replace(b'"n":1', b'"n":2'))
    with pytest.raises(FleetError, match="its own hash does not fit.*mcp_audit"):
        trail.append(entry(2))
    assert b"\n".join(data.splitlines()[1:]) == b""


def test_two_processes_at_once_never_mix_their_lines_through_rotations(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    writers = [begin(folder, 60, who) for who in ("a", "b")]
    assert [process.wait(60) for process in writers] == [0, 0]
    chain = check(Trail(Effects(), folder).parts())
    assert (chain.problems, chain.torn) == ((), 0)
    told = [(each.fields["who"], each.fields["n"]) for each in chain.lines if each.event == "ended"]
    assert sorted(told) == sorted((who, number) for who in "ab" for number in range(60))


def test_processes_that_are_killed_at_any_moment_leave_a_chain_that_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    for round_ in range(4):
        process = begin(folder, 100_000, str(round_))
        time.sleep(0.05 + 0.013 * round_)
        process.kill()
        process.wait()
        trail = Trail(Effects(), folder)
        trail.append(entry())
        assert check(trail.parts()).problems == ()


class Refusing(Effects):
    """A disk without room for one kind of act."""

    def __init__(self, refused: str) -> None:
        self.refused: str | None = refused

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Perform it, unless it is refused."""
        if name != self.refused:
            return super().act(name, target, function)

        def full() -> T:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)

        return super().act(name, target, full)


def account(trail: Trail, **who: str) -> Account:
    return Account(trail, Who(who, "node1", "why not"), lambda: 1_800_000_000.25)


def test_a_change_that_cannot_be_recorded_does_not_begin_and_a_way_back_does(tmp_path: Path) -> None:
    effects = Refusing("append")
    told = account(Trail(effects, tmp_path / "audit"))
    with (
        pytest.raises(FleetError, match=r"time: record the change.*no room.*Free space.*Nothing was changed"),
        told.change("update", "time", {}),
    ):
        pytest.fail("it began")
    with told.change("rollback", "time", {}, needed=False):
        pass
    assert told.problem and "no room" in told.problem


def test_what_was_done_stands_when_its_end_cannot_be_recorded(tmp_path: Path) -> None:
    effects = Refusing("nothing")
    trail = Trail(effects, tmp_path / "audit")
    told = account(trail)
    with told.change("update", "time", {}):
        effects.refused = "append"
    assert told.problem and "no room" in told.problem
    assert [line.seq for line in open_changes(check(trail.parts()).lines)] == [1]


def test_part_of_a_line_that_the_disk_took_is_taken_back(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry(1))
    before = current(trail, tmp_path).read_bytes()
    code = (
        "import resource, sys; from pathlib import Path;"
        "from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects;"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 5},) * 2);"
        "Effects().append(Path(sys.argv[1]), b'x' * 100)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(current(trail, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large" in done.stderr
    assert current(trail, tmp_path).read_bytes() == before


def test_a_change_leaves_who_what_when_and_how_it_ended(trail: Trail) -> None:
    told = account(trail, user="alice", job="42")
    with told.change("update", "time", {"before": None, "wanted": "x@1"}) as change:
        change.told = {"after": {"package": "x@1"}, "reason": None}
    with pytest.raises(ZeroDivisionError), told.change("update", "time", {}) as change:
        change.result = "undone"
        raise ZeroDivisionError("division by zero")
    first, second, _third, last = (dict(line.fields) for line in check(trail.parts()).lines)
    assert (first["event"], first["action"], first["server"], first["host"]) == (
        "started",
        "update",
        "time",
        "node1",
    )
    assert (
        first["who"]["user"] == "alice" and first["who"]["job"] == "42" and first["who"]["uid"] == os.getuid()
    )
    assert (first["time"], first["reason"]) == ("2027-01-15T08:00:00.250000Z", "why not")
    assert (second["event"], second["started"], second["result"]) == ("ended", 1, "done")
    assert (last["result"], last["reason"], last["started"]) == ("undone", "division by zero", 3)
    assert told.head == trail.head()


def test_claims_cannot_pass_for_what_the_host_knows_of_the_user(trail: Trail) -> None:
    with account(trail, uid="0", login="root").change("update", "time", {}):
        pass
    [first, _last] = check(trail.parts()).lines
    assert first.fields["who"]["uid"] == os.getuid()


def test_no_secret_gets_into_any_place_of_a_line_in_any_form(trail: Trail, tmp_path: Path) -> None:
    multiline = 'first-line-of-key\nsecond "quoted" line'
    told = account(trail, user=SECRET)
    begun = {SECRET: SECRET, "deep": [{"a": [f"x{SECRET}y"]}], "lines": multiline}
    with (
        pytest.raises(RuntimeError),
        told.change("update", "time", begun, secrets=[SECRET, multiline]) as change,
    ):
        change.told = {"reason": "a" * 1490 + SECRET}
        raise RuntimeError(f"it said {SECRET!r} and {json.dumps(multiline)}")
    data = current(trail, tmp_path).read_bytes()
    for piece in (SECRET, SECRET[:12], "first-line-of-key", "second", "quoted"):
        assert piece.encode() not in data
    assert b"********" in data


def test_a_text_without_end_is_cut(trail: Trail, tmp_path: Path) -> None:
    with account(trail).change("update", "time", {"reason": "x" * 10**6, "plan": ["y"] * 10**5}):
        pass
    assert current(trail, tmp_path).stat().st_size < 20_000
    assert b"(1000000 characters)" in current(trail, tmp_path).read_bytes()


def test_a_line_that_says_much_is_cut_until_the_next_writer_can_read_it(trail: Trail) -> None:
    breaking = [f"{number}" + "漢" * LONGEST_TEXT for number in range(100)]
    told = account(trail)
    with pytest.raises(ZeroDivisionError), told.change("update", "time", {"plan": breaking}) as change:
        change.told = {"contract": {"breaking": breaking}, "reason": "why it was"}
        raise ZeroDivisionError
    with account(trail).change("update", "other", {}):
        pass
    _first, last, *_others = check(trail.parts()).lines
    assert told.problem is None and last.fields["reason"] == "why it was"
    assert last.fields["contract"]["breaking"][0].startswith("0漢漢")


def test_a_line_that_cannot_be_cut_enough_is_refused_before_anything_is_written(trail: Trail) -> None:
    trail.append(entry())
    with pytest.raises(FleetError, match="at most 65536"):
        trail.append({**entry(), "pad": "x" * LONGEST_LINE})
    assert trail.head().seq == 1


def test_a_line_of_an_older_collection_may_be_of_any_length(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail.append(entry())
    with monkeypatch.context() as patched:
        patched.setattr(trail_module, "LONGEST_LINE", 10**7)
        trail.append({**entry(), "pad": "x" * 10**6})
    assert trail.head().seq == 2 and trail.append(entry()).seq == 3
    assert not check(trail.parts()).problems


def test_a_change_that_a_later_one_of_its_server_took_up_is_not_unfinished(trail: Trail) -> None:
    started = {"event": "started", "time": "t"}
    trail.append({**started, "server": "a"})
    trail.append({**started, "server": "b"})
    trail.append({**started, "server": "a"})
    trail.append({"event": "ended", "time": "t", "server": "a", "started": 3})
    assert [line.fields["server"] for line in open_changes(check(trail.parts()).lines)] == ["b"]


def test_a_cleanup_takes_up_no_update_that_was_cut_off_and_an_update_no_cleanup(trail: Trail) -> None:
    for action in ("update", "cleanup"):
        trail.append({"event": "started", "time": "t", "action": action, "server": "a"})
    assert [line.seq for line in open_changes(check(trail.parts()).lines)] == [1, 2]
    for action in ("recovery", "cleanup"):
        trail.append({"event": "started", "time": "t", "action": action, "server": "a"})
    assert [line.seq for line in open_changes(check(trail.parts()).lines)] == [3, 4]


def test_lines_are_found_by_server_action_result_and_time_and_exported(trail: Trail) -> None:
    for day, server in enumerate(("a", "b", "a"), 1):
        result = "done" if day < 3 else "undone"
        about = {"server": server, "action": "update", "result": result, "reason": '=1+1, "x"'}
        trail.append({"event": "ended", "time": f"2026-11-0{day}T12:00:00.5Z"[:19] + "Z", **about})
    lines = check(trail.parts()).lines

    def found(**wanted: object) -> list[int]:
        return [line.seq for line in Query(**wanted).select(lines)]  # type: ignore[arg-type]

    assert found() == [1, 2, 3]
    assert (found(server="a"), found(result="undone"), found(action="removal")) == ([1, 3], [3], [])
    assert found(since=moment("2026-11-02", "since")) == [2, 3]
    assert found(until=moment("2026-11-02", "until", end=True)) == [1, 2]
    assert found(since=moment("2026-11-02T13:00:00+02:00", "since"), server="b") == [2]
    with pytest.raises(FleetError, match="read since: it is 'monday'"):
        moment("monday", "since")
    assert exported(lines, "jsonl").encode() == trail.parts()[0].data
    heading, first, *_rest = exported(lines, "csv").splitlines()
    assert heading.startswith("seq,time,event,host,server,action,result")
    assert '"\'=1+1, ""x"""' in first


def test_a_lock_that_is_held_is_waited_for_and_reading_leaves_no_trace(trail: Trail, tmp_path: Path) -> None:
    trail.append(entry())
    before = sorted(path.name for path in (tmp_path / "audit").iterdir())
    trail.parts(), trail.head()
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == before == [CURRENT, "lock"]


def test_a_rotation_that_was_killed_between_two_acts_is_gone_on_with(tmp_path: Path) -> None:
    class Dying(Effects):
        left = 0

        def act(self, name: str, target: str, function: Callable[[], T]) -> T:
            Dying.left -= 1
            if Dying.left == 0:
                raise KeyboardInterrupt
            return super().act(name, target, function)

    for at in range(1, 9):
        folder = tmp_path / str(at)
        trail = Trail(Dying(), folder, Limits(1, 2))
        for number in range(14):
            trail.append({**entry(number), "pad": "x" * (SMALLEST_FILE // 3)})
        Dying.left = at
        for number in range(6):
            try:
                trail.append({**entry(number), "pad": "x" * (SMALLEST_FILE // 3)})
            except KeyboardInterrupt:
                assert check(trail.parts()).problems == ()
        assert Dying.left < 0
        assert check(trail.parts()).problems == ()


class Watched(Effects):
    """Says what is done, in order."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str]] = []

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        self.acts.append((name, Path(target).name))
        return super().act(name, target, function)


@pytest.mark.parametrize("left", ["nothing", "folder", "empty file"])
def test_the_names_of_an_audit_are_durable_before_its_first_line_whatever_a_killed_writer_left(
    tmp_path: Path, left: str
) -> None:
    folder, effects = tmp_path / "state" / "audit", Watched()
    if left != "nothing":
        folder.mkdir(parents=True)
    if left == "empty file":
        (folder / CURRENT).touch()
    Trail(effects, folder).append({"time": "2026-11-26T00:00:00Z", "event": "done"})
    before = effects.acts[: effects.acts.index(("append", CURRENT))]
    assert before[-3:] == [("touch", CURRENT), ("fsync", "audit"), ("fsync", "state")]
    effects.acts.clear()
    Trail(effects, folder).append({"time": "2026-11-26T00:00:01Z", "event": "done"})
    assert effects.acts == [("append", CURRENT)]
