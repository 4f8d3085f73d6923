# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.slot.log import in_short, tail


def test_the_last_lines_are_given(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n\n" for number in range(100)))
    assert tail([log], 3) == "line 97\nline 98\nline 99"
    assert tail([log], 1000).splitlines()[0] == "line 0"


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert tail([tmp_path / "log"], 3) == ""


def test_a_log_that_was_just_turned_over_goes_on_in_its_older_part(tmp_path: Path) -> None:
    parts = [tmp_path / "log.1", tmp_path / "log"]
    parts[0].write_text("x" * 100_000 + "\none\ntwo\n")
    assert tail(parts, 2) == "one\ntwo"
    parts[1].write_text("three\n")
    assert tail(parts, 3) == "one\ntwo\nthree"
    parts[1].write_text("four\n" * 50_000)
    assert tail(parts, 50_000).startswith("four") and "two" not in tail(parts, 50_000)


def test_control_characters_and_broken_text_are_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\x1b[31mred\x1b[0m \x00\x07 bro\xffken gr\xc3\xbcn\n")
    assert tail([log], 3) == "[31mred[0m  bro\ufffdken grün"


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 10_000_000)
    assert len(tail([log], 3)) < 1000


def test_secrets_are_masked_also_within_one_another_and_over_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("key abcd-efgh abcd one\ntwo 1\n")
    found = tail([log], 9, ["abcd", "abcd-efgh", "one\ntwo", "1"])
    assert found == "key ******** ******** ******** 1"


def test_half_a_secret_at_the_cut_is_not_shown(tmp_path: Path) -> None:
    log, secret = tmp_path / "log", "s3cret" * 10
    for extra in range(70):
        log.write_text("head " + secret + "\n" + "x" * (64 * 1024 - extra))
        assert "cret" not in tail([log], 5, [secret])


def test_in_short_what_is_wrong_is_shown_before_a_page_of_usage() -> None:
    usage = "\n".join(f"  --option-{number}  what it does" for number in range(30))
    said = in_short(f"starting\nError: no current-context is set\n{usage}")
    assert said.startswith("Error: no current-context is set | … | --option-18  what it does | ")
    assert said.endswith("--option-29  what it does")


def test_in_short_a_log_of_few_lines_is_shown_as_it_is() -> None:
    assert in_short("starting\n\nError: no licence\n") == "starting | Error: no licence"
    assert in_short("") == ""
