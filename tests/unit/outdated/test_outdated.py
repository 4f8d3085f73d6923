# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is outdated, from what runs and what registries say."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.filter.outdated_report import outdated_report
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.answer import (
    Answer,
    NotChecked,
    Published,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.ask import ask_all
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.locked import locked_versions
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.pypi import Page, PythonIndex
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.standing import (
    Entry,
    Running,
    age,
    entries_of,
    row,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.outdated.versions import is_newer, newest, pep440

NOW = datetime(2026, 11, 26, tzinfo=UTC)
TIME = ("pypi", "mcp-server-time")


@pytest.mark.parametrize(
    ("registry_type", "ascending"),
    [
        ("npm", "0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-2 1.0.0 1.0.1 1.0.10 2026.8.31"),
        ("pypi", "0.9 1.0.dev1 1.0a1.dev2 1.0a1 1.0b2 1.0rc1 1.0 1.0.post1 1.0.1 1.10 2026.8.18 1!0.1"),
    ],
)
def test_versions_are_in_the_order_of_their_registry(registry_type: str, ascending: str) -> None:
    versions = ascending.split()
    if registry_type == "npm":
        # Numbers come before words (Semantic Versioning, 11).
        versions.insert(1, versions.pop(versions.index("1.0.0-2")))
    for lower, higher in itertools.pairwise(versions):
        assert is_newer(registry_type, higher, lower), (lower, higher)
        assert not is_newer(registry_type, lower, higher), (lower, higher)


def test_spellings_of_one_version_are_equal_and_what_is_none_comes_first() -> None:
    assert pep440("1.0-ALPHA1") == pep440("1a1")
    assert is_newer("pypi", "0.1", "yesterday")
    assert newest("pypi", ["yesterday"], stable=False) is None


def answer(*versions: Published, notice: str | None = None) -> Answer:
    return Answer("pypi", {item.version: item for item in versions}, notice)


def entry(said: Answer | str, version: str | None = "1.0") -> Entry:
    [found] = entries_of([Running("time", "node1", *TIME, version=version)], {TIME: said}, {}, NOW)
    return found


def test_hosts_that_run_the_same_share_an_entry_and_others_have_their_own() -> None:
    running = [Running("time", host, *TIME, version=version) for host, version in
               (("node2", "1.0"), ("node1", "1.0"), ("node3", "2.0"))]  # fmt: skip
    found = entries_of(running, {TIME: answer(Published("1.0"), Published("2.0"))}, {TIME: ["1.5"]}, NOW)
    assert [(item.hosts, item.status, item.locked) for item in found] == [
        (["node1", "node2"], "outdated", ["1.5"]),
        (["node3"], "newest", ["1.5"]),
    ]


def test_what_a_host_that_cannot_be_asked_runs_is_not_checked_and_its_newest_is_told() -> None:
    running = [
        Running("time", "node1", *TIME, problem="it could not be reached"),
        Running("time", "node2", *TIME),
    ]
    found = entries_of(running, {TIME: answer(Published("1.0"))}, {}, NOW)
    assert [(item.hosts, item.status, item.problem) for item in found] == [
        (["node2"], "not running", None),
        (["node1"], "not checked", "it could not be reached"),
    ]
    assert found[1].newest is not None and found[1].newest["version"] == "1.0"


def test_a_version_before_a_release_is_shown_and_makes_nothing_outdated() -> None:
    found = entry(answer(Published("1.0"), Published("2.0rc1", "2026-11-25T12:00:00.123456Z")))
    assert found.status == "newest"
    assert found.newest_at_all == {
        "version": "2.0rc1",
        "published": "2026-11-25T12:00:00.123456Z",
        "age_days": 0,
    }
    assert row(found.to_json())[5] == "2.0rc1 (0 days)"


def test_a_withdrawn_version_is_never_the_newest_and_one_that_runs_is_named() -> None:
    found = entry(
        answer(Published("1.0", withdrawn="leaks"), Published("2.0", withdrawn="yanked"), Published("1.1"))
    )
    assert found.newest is not None
    assert (found.newest["version"], found.notices) == ("1.1", ["1.0 is withdrawn: leaks"])


def test_a_version_that_the_registry_does_not_have_is_named_and_a_deprecated_one_too() -> None:
    assert entry(answer(Published("0.9"))).notices == ["1.0 is withdrawn: the registry does not have it"]
    said = entry(answer(Published("1.0", deprecated="use\nother"), notice="archived"))
    assert said.notices == ["archived", "1.0 is deprecated: use other"]


def test_what_was_not_checked_is_never_the_newest() -> None:
    found = entry("the registry is out of reach")
    assert (found.status, found.newest, found.problem) == (
        "not checked",
        None,
        "the registry is out of reach",
    )
    assert row(found.to_json())[6] == "not checked (the registry is out of reach)"


def test_a_server_that_serves_nothing_says_so() -> None:
    assert entry(answer(Published("1.0")), version=None).status == "not running"


def test_a_package_is_asked_for_once_and_one_that_fails_hinders_no_other() -> None:
    asked = []

    class Registry:
        def ask(self, identifier: str, interest: Sequence[str]) -> Answer:
            asked.append((identifier, list(interest)))
            if identifier == "bad":
                raise NotChecked("no")
            return answer(Published("1.0"))

    running = [
        Running("time", "node1", *TIME, version="1.0", defined="1.1"),
        Running("time", "node2", *TIME, version="1.0"),
        Running("bad", "node1", "pypi", "bad", version="1.0"),
        Running("box", "node1", "oci", "box", version="1.0"),
    ]
    answers = ask_all(running, {"pypi": Registry()}, parallel=3)
    assert sorted(asked) == [("bad", ["1.0"]), ("mcp-server-time", ["1.0", "1.1"])]
    assert answers[("pypi", "bad")] == "no"
    assert "oci" in str(answers[("oci", "box")])


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2026-11-24T00:00:00.500Z", 2),
        ("2026-11-24T00:00:00+00:00", 2),
        ("2026-11-24T00:00:00", 2),
        ("2030-01-01T00:00:00Z", 0),
        ("long ago", None),
        (None, None),
    ],
)
def test_an_age_is_in_whole_days_or_not_known(at: str | None, days: int | None) -> None:
    assert age(at, NOW) == days


def test_reports_say_the_same_in_each_form_and_markdown_shows_words_as_words() -> None:
    said = entry(answer(Published("1.0", deprecated="see <b>|x|</b>"), Published("2.0"))).to_json()
    assert json.loads(outdated_report([said], "json")) == [json.loads(json.dumps(said))]
    head, _line, body = outdated_report([said], "markdown").splitlines()
    assert head.startswith("| server | running | hosts |")
    assert r"1.0 is deprecated: see \<b\>\|x\|\</b\>" in body
    assert "1.0 is deprecated: see <b>|x|</b>" in outdated_report([said])


def test_a_contract_that_was_compared_is_in_the_report_and_one_that_could_not_be_has_the_reason() -> None:
    said = entry(answer(Published("1.0"), Published("2.0"))).to_json()
    differs = {"verdict": "breaking", "differences": ["- tool now"]}
    for result, contract in (
        ({"item": said, "contract": differs}, differs),
        (
            {"item": said, "contract": None},
            {"verdict": None, "problem": "its host did not look, or could not"},
        ),
        ({"item": said, "contract_problem": "no"}, {"verdict": None, "problem": "no"}),
        ({"item": said, "msg": "no room"}, {"verdict": None, "problem": "no room"}),
        ({"item": {**said, "server": "other"}, "contract": differs}, None),
        ({"unreachable": True}, None),
    ):
        [found] = json.loads(outdated_report([said], "json", [result]))
        assert found["contract"] == contract
    assert "breaking" in outdated_report([said], "text", [{"item": said, "contract": differs}])
    assert "not compared (no room)" in outdated_report([said], "text", [{"item": said, "msg": "no room"}])


@pytest.mark.parametrize(
    ("defined", "given", "required", "environment"),
    [
        ("2.0", ["A"], ["A", "B"], ["B"]),
        ("2.0", ["A", "B"], ["A", "B"], []),
        ("1.0", ["A"], ["A", "B"], None),
        ("2.0", ["A"], None, None),
    ],
)
def test_new_variables_are_known_where_the_inventory_has_the_server_json_of_the_newest(
    defined: str, given: list[str], required: list[str] | None, environment: list[str] | None
) -> None:
    running = Running("time", "node1", *TIME, version="1.0", defined=defined, given=given, required=required)
    [found] = entries_of([running], {TIME: answer(Published("1.0"), Published("2.0"))}, {}, NOW)
    assert found.environment == environment


def test_locked_versions_are_read_and_what_is_no_lock_is_passed_over(tmp_path: Path) -> None:
    package = {"registry_type": "npm", "identifier": "@a/b", "version": "1.0.0"}
    (tmp_path / "a+b.lock.txt").write_text(json.dumps({"package": package}))
    (tmp_path / "c.lock.txt").write_text(json.dumps({"package": {**package, "version": "1.1.0"}}))
    (tmp_path / "d.lock.txt").write_text("{")
    assert locked_versions(tmp_path) == {("npm", "@a/b"): ["1.0.0", "1.1.0"]}
    assert locked_versions(tmp_path / "none") == {}


PAGES = {
    "json": Page(
        "application/vnd.pypi.simple.v1+json",
        json.dumps(
            {
                "project-status": {"status": "archived", "reason": "moved"},
                "files": [
                    {
                        "filename": "mcp_server_time-1.0-py3-none-any.whl",
                        "upload-time": "2026-02-01T00:00:00Z",
                    },
                    {
                        "filename": "mcp_server_time-1.0.tar.gz",
                        "upload-time": "2026-01-01T00:00:00Z",
                        "yanked": True,
                    },
                    {"filename": "mcp-server-time-1.1.tar.gz", "yanked": "leaks"},
                    {"filename": "other-9.0.tar.gz"},
                    {"filename": "readme.txt"},
                ],
            }
        ).encode(),
    ),
    "html": Page(
        "text/html",
        b'<a href="../mcp_server_time-1.0-py3-none-any.whl#sha256=0">x</a>'
        b'<a href="/f/mcp-server-time-1.1.tar.gz" data-yanked="leaks">y</a>',
    ),
}


class Index(PythonIndex):
    """Is configured for two indexes, one of which has the package."""

    def __init__(self, page: Page | None) -> None:
        self.asked: list[str] = []

        def fetch(address: str, timeout: float) -> Page | None:
            self.asked.append(address)
            return page if "second" in address else None

        self._fetch, self._timeout = fetch, 1.0
        self._places = (["https://first.invalid/simple", "https://second.invalid/simple/"], [])


def test_the_first_index_that_has_a_package_counts() -> None:
    index = Index(PAGES["json"])
    said = index.ask("MCP.Server_Time", [])
    assert index.asked == [
        "https://first.invalid/simple/mcp-server-time/",
        "https://second.invalid/simple/mcp-server-time/",
    ]
    assert said.versions == {
        "1.0": Published("1.0", "2026-01-01T00:00:00Z"),
        "1.1": Published("1.1", withdrawn="leaks"),
    }
    assert said.notice == "archived: moved"


def test_an_index_in_html_gives_versions_without_dates() -> None:
    assert Index(PAGES["html"]).ask("mcp-server-time", []).versions == {
        "1.0": Published("1.0"),
        "1.1": Published("1.1", withdrawn="leaks"),
    }


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (None, "no index that is configured has it"),
        (Page("application/json", b"{}"), "not that of the simple API"),
        (Page("application/json", b"<html>"), "not that of the simple API"),
        (Page("text/html", b"<html>please log in</html>"), "no index that is configured has it"),
    ],
)
def test_a_package_that_no_index_has_and_a_page_that_is_none_are_not_checked(
    page: Page | None, said: str
) -> None:
    with pytest.raises(NotChecked, match=said):
        Index(page).ask("mcp-server-time", [])
