# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gate passes only what it should, and a run of gates hides no failure."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from .__main__ import chosen, run, table
from .gate import Gate, judge
from .unions import evaluated_unions
from .workplace import Workplace


def gate(folder: Path, *scripts: str, forbidden: str | None = None, deadline: float = 30.0) -> Gate:
    commands: Sequence[Sequence[str]] = [["sh", "-c", script] for script in scripts]
    return Gate("sample", folder, commands, forbidden=forbidden, deadline=deadline)


def reason(sample: Gate) -> str:
    return judge(sample, sample.folder / "log").reason


def place(root: Path) -> Workplace:
    """A checkout with one file that git ignores and one that it does not know yet."""
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / "galaxy.yml").write_text("{namespace: mcpops, name: fleet, version: 1.2.3}")
    (root / ".gitignore").write_text("/.work/\n*.log\n")
    (root / "new").mkdir()
    (root / "new" / "file").write_text("unknown to git")
    (root / "some.log").write_text("ignored")
    return Workplace(root)


def test_a_gate_passes_when_all_its_commands_end_well(tmp_path: Path) -> None:
    assert reason(gate(tmp_path, "echo one", "echo two")) == ""
    assert (tmp_path / "log").read_text() == "$ sh -c 'echo one'\none\n$ sh -c 'echo two'\ntwo\n"


def test_the_first_command_that_fails_fails_the_gate_and_ends_it(tmp_path: Path) -> None:
    assert reason(gate(tmp_path, "true", "exit 3", "touch later")) == "sh ended with exit code 3"
    assert not (tmp_path / "later").exists()


def test_a_missing_tool_fails_the_gate(tmp_path: Path) -> None:
    assert "no-such-tool does not start" in reason(Gate("sample", tmp_path, [["no-such-tool"]]))


def test_a_forbidden_line_fails_a_gate_that_ended_well_whatever_its_colour(tmp_path: Path) -> None:
    script = "printf 'fine\\n\\033[35mWARNING: left out\\033[0m\\n'"
    assert (
        reason(gate(tmp_path, script, forbidden="^WARNING")) == "not allowed in the output: WARNING: left out"
    )
    assert reason(gate(tmp_path, script, forbidden="^ERROR")) == ""


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_that_hangs_is_ended_with_the_processes_it_started(tmp_path: Path) -> None:
    sample = gate(tmp_path, "sleep 60 & echo $!; wait", deadline=0.5)
    assert "still ran" in reason(sample)
    child = int((tmp_path / "log").read_text().splitlines()[1])
    end = time.monotonic() + 60
    while running(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not running(child)


def test_a_run_goes_on_after_a_failure_unless_told_to_stop_at_the_first(tmp_path: Path) -> None:
    checkout = place(tmp_path / "checkout")
    checkout.prepare()
    gates = [gate(tmp_path, "exit 1"), gate(tmp_path, "sleep 1")]
    assert [bool(verdict.reason) for verdict in run(checkout, gates, fail_fast=False)] == [True, False]
    slow = gate(tmp_path, "touch begun; sleep 60; touch ended")
    assert [bool(verdict.reason) for verdict in run(checkout, [gates[0], slow], fail_fast=True)] == [True]
    assert not (tmp_path / "ended").exists()


def test_an_interrupt_ends_all_gates_that_run(tmp_path: Path) -> None:
    checkout = place(tmp_path / "checkout")
    checkout.prepare()
    slow = gate(tmp_path, "echo $$ > process; sleep 60")
    broken = Gate(
        "broken", tmp_path, [["sh", "-c", "until test -s process; do sleep 0.05; done"]], forbidden="("
    )
    with pytest.raises(re.error):
        run(checkout, [slow, broken], fail_fast=False)
    assert not running(int((tmp_path / "process").read_text()))


def test_what_was_skipped_stands_in_the_table_beside_a_gate_that_passed(tmp_path: Path) -> None:
    sample = Gate("sample", tmp_path, [["echo", "SKIPPED [1] needs root"]], noted="^SKIPPED")
    assert table([sample], [judge(sample, tmp_path / "log")]).endswith("SKIPPED [1] needs root")


def test_the_table_names_a_gate_that_did_not_get_its_turn(tmp_path: Path) -> None:
    assert "not run" in table([gate(tmp_path, "true")], [])


def test_a_name_that_is_no_gate_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    checkout = place(tmp_path / "checkout")
    with pytest.raises(SystemExit, match="no such gate: unti; there are: .*unit"):
        chosen(checkout, ["unti"])
    assert [wanted.name for wanted in chosen(checkout, ["unit", "mypy"])] == ["mypy", "unit"]


def test_the_copy_holds_what_git_knows_or_could_add_and_nothing_that_is_gone(tmp_path: Path) -> None:
    checkout = place(tmp_path / "checkout")
    checkout.prepare()
    assert (checkout.tree / "new" / "file").read_text() == "unknown to git"
    assert not (checkout.tree / "some.log").exists()
    (checkout.root / "new" / "file").unlink()
    checkout.prepare()
    assert not (checkout.tree / "new").exists()
    assert checkout.artifact.name == "mcpops-fleet-1.2.3.tar.gz"


@pytest.mark.parametrize(
    "evaluated",
    [
        "Maybe = str | None",
        "isinstance(x, int | bytes)",
        "cast(dict[str, Any] | None, x)",
        "Maybe = errors.FleetError | int",
    ],
)
def test_a_union_of_types_that_python_3_9_would_evaluate_is_found(evaluated: str) -> None:
    assert evaluated_unions(f"import x\n{evaluated}") == [2]


@pytest.mark.parametrize(
    "fine",
    [
        "x: str | None = None",
        "def f(a: int | None, *, b: A | B) -> A | None: ...",
        "x = FLAG | re.M",
        "x = {**a} | b",
    ],
)
def test_a_union_in_an_annotation_or_of_values_is_not(fine: str) -> None:
    assert evaluated_unions(fine) == []
