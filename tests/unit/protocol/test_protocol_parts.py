# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the protocol that need no peer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.eras import header_value, modern_headers
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.events import EventParser
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.excerpt import Excerpt
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.messages import (
    Ask,
    Notice,
    NotJson,
    Reply,
    RpcError,
    messages,
    parse,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.probe import ping, probe
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.report import EraProbe, ProbeReport
from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.targets import (
    HttpTarget,
    StdioTarget,
    ToolCall,
)

STREAM = (
    b"\xef\xbb\xbf: comment\n"
    b"id: 1\r\ndata:\r\n\r\n"
    b"event: message\rdata: one\rdata:two\r\r"
    b"id: 2\nretry: 1500\ndata: three\n\n\n"
    b"event: ping\ndata: {}\n\n"
    b"data\n\n"
    b"id: bad\0\nid:3\nretry: soon\nnonsense: x\ndata:  four\r\n\r\n"
    b"data: unfinished\n"
)


class TestEvents:
    """Event streams, as the HTML standard has them."""

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
    def test_a_stream_gives_the_same_events_however_it_is_cut(self, size: int) -> None:
        parser = EventParser()
        pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
        found = [(event.type, event.data) for piece in pieces for event in parser.feed(piece)]
        assert found == [
            ("message", b"one\ntwo"),
            ("message", b"three"),
            ("ping", b"{}"),
            ("message", b" four"),
        ]
        assert (parser.last_id, parser.retry) == ("3", 1.5)

    def test_each_way_to_end_a_line_may_fall_between_pieces(self) -> None:
        parser = EventParser()
        found = [
            event.data for piece in (b"data: a\r", b"\n", b"\r", b"\n", b"\n") for event in parser.feed(piece)
        ]
        assert found == [b"a"]


class TestMessages:
    """JSON-RPC messages are told apart, and what is none is none."""

    @pytest.mark.parametrize(
        "value, message",
        [
            ({"id": 1, "result": {"a": 1}}, Reply(1, {"a": 1})),
            ({"id": None, "error": {"code": 3, "message": "m"}}, Reply(None, None, RpcError(3, "m"))),
            ({"error": {"code": 3}}, Reply(None, None, RpcError(3, ""))),
            ({"id": 1, "method": "ping"}, Ask(1, "ping")),
            ({"method": "note", "params": {}}, Notice("note")),
            ({"id": 1, "result": []}, None),
            ({"result": {}}, None),
            ({"id": 1}, None),
            ({"id": 1, "result": {}, "error": {"code": 1}}, None),
            ({"id": 1, "error": {"code": "1"}}, None),
            ({"id": 1, "error": {"code": True}}, None),
            ({"id": 1, "error": "no"}, None),
            ({"id": 1, "method": 2}, None),
            ({"id": 1, "result": {}, "jsonrpc": "1.0"}, None),
        ],
    )
    def test_a_message_is_what_it_is(self, value: dict[str, Any], message: object) -> None:
        assert list(messages({"jsonrpc": "2.0", **value})) == [message]

    def test_a_batch_is_taken_apart(self) -> None:
        batch = [{"jsonrpc": "2.0", "method": "a"}, 3, {"jsonrpc": "2.0", "id": 1, "result": {}}]
        assert list(messages(batch)) == [Notice("a"), None, Reply(1, {})]
        assert list(messages([])) == [None]

    def test_a_value_may_be_deep_but_not_without_end(self) -> None:
        assert parse(b"[" * 200 + b"]" * 200)
        with pytest.raises(NotJson, match="nested too deep"):
            parse(b"[" * 201 + b"]" * 201)

    def test_a_whole_emoji_is_text(self) -> None:
        assert parse(json.dumps("😀").encode()) == "😀"


class TestExcerpt:
    """What is shown of a peer's words."""

    def test_a_given_value_is_shown_by_its_name_in_all_its_shapes(self) -> None:
        show = Excerpt(
            {"KEY": "s3cr3t", "Authorization": "Bearer abcdefgh", "PEM": "-----A\nMIIEvQIBADANB\n"}
        )
        assert show("s3cr3t abcdefgh MIIEvQIBADANB Bearer  x") == "${KEY} ${Authorization} ${PEM} Bearer x"

    def test_a_longer_value_is_not_left_half_shown_by_a_shorter_one(self) -> None:
        assert Excerpt({"A": "abcd", "B": "abcdefgh"})("abcdefgh") == "${B}"

    def test_a_short_value_does_not_garble_the_text(self) -> None:
        assert Excerpt({"DEBUG": "1", "EMPTY": "", "BLANK": "     "})("line 1 of 10") == "line 1 of 10"

    def test_a_value_is_hidden_before_the_text_is_cut(self) -> None:
        assert "sec" not in Excerpt({"KEY": "secret" * 50})("x " * 4 + "secret" * 50, 20)

    def test_a_long_text_is_cut(self) -> None:
        assert Excerpt({})("word " * 100, 14) == "word word word …"


class TestHeaders:
    """What a modern request repeats in its headers."""

    @pytest.mark.parametrize(
        "text, value",
        [
            ("echo", "echo"),
            ("two words", "two words"),
            (" edge", "=?base64?IGVkZ2U=?="),
            ("line\nbreak", "=?base64?bGluZQpicmVhaw==?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ("", ""),
        ],
    )
    def test_a_value_survives_the_trip(self, text: str, value: str) -> None:
        assert header_value(text) == value

    def test_each_method_has_its_own_name(self) -> None:
        assert modern_headers("resources/read", {"uri": "u:1"})["Mcp-Name"] == "u:1"
        assert modern_headers("prompts/get", {"name": "p"})["Mcp-Name"] == "p"
        assert "Mcp-Name" not in modern_headers("tools/list", {"name": "p"})

    def test_marked_arguments_are_repeated_as_the_schema_says(self) -> None:
        schema = {
            "properties": {
                "flag": {"type": "boolean", "x-mcp-header": "Flag"},
                "count": {"type": "integer", "x-mcp-header": "Count"},
                "nothing": {"type": "string", "x-mcp-header": "Nothing"},
                "missing": {"type": "string", "x-mcp-header": "Missing"},
                "bad": {"type": "string", "x-mcp-header": "not a token"},
                "below": {"properties": {"deep": {"type": "string", "x-mcp-header": "Deep"}}},
            }
        }
        arguments = {"flag": True, "count": 3, "nothing": None, "bad": "x", "below": {"deep": "d"}, "more": 1}
        headers = modern_headers("tools/call", {"name": "t", "arguments": arguments}, schema)
        repeated = {name: value for name, value in headers.items() if name.startswith("Mcp-Param-")}
        assert repeated == {"Mcp-Param-Flag": "true", "Mcp-Param-Count": "3", "Mcp-Param-Deep": "d"}


class TestReport:
    """What is read from a report."""

    @pytest.mark.parametrize(
        "modern, legacy, era, best, conclusive",
        [
            ("served", "served", "dual", "modern", True),
            ("served", "not_served", "modern", "modern", True),
            ("not_served", "served", "legacy", "legacy", True),
            ("inconclusive", "served", "legacy", "legacy", False),
            ("not_served", "not_served", None, "legacy", True),
            ("inconclusive", "inconclusive", None, "legacy", False),
        ],
    )
    def test_it_follows_from_both_eras(
        self, modern: str, legacy: str, era: str | None, best: str, conclusive: bool
    ) -> None:
        report = ProbeReport(EraProbe("modern", modern, "a"), EraProbe("legacy", legacy, "b"))
        assert (report.era, report.best.era, report.conclusive) == (era, best, conclusive)
        assert "\n" not in report.describe()

    def test_an_era_that_was_not_asked_for_is_not_missed(self) -> None:
        report = ProbeReport(
            EraProbe("modern", "served", "a"), EraProbe("legacy", "inconclusive", "not asked")
        )
        assert not report.conclusive
        assert replace(report, asked=("modern",)).conclusive


class TestTargets:
    """What cannot be asked of any peer is an error at once, without the values."""

    @pytest.mark.parametrize(
        "target",
        [
            HttpTarget("ftp://host/mcp"),
            HttpTarget("http:///mcp"),
            HttpTarget("http://host:99999/mcp"),
            HttpTarget("http://host:secret/mcp"),
            HttpTarget("http://user:secret@host/mcp"),
            HttpTarget("http://host/secret path"),
            HttpTarget("http://höst/secret"),
            HttpTarget("http://[secret/mcp"),
            HttpTarget("http://host/mcp", {"Authorization": "secret\n"}),
            HttpTarget("http://host/mcp", {"Authorization": "secret €"}),
            HttpTarget("http://host/mcp", {"A b": "secret"}),
            StdioTarget((), {}),
            StdioTarget(("",), {}),
            StdioTarget(("server", "a\0b"), {}),
            StdioTarget(("server",), {"KEY": "secret\0"}),
            StdioTarget(("server",), {"": "secret"}),
        ],
    )
    def test_a_target_that_cannot_be_asked_is_an_error(self, target: HttpTarget | StdioTarget) -> None:
        with pytest.raises(FleetError) as caught:
            probe(target, timeout=1)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
    def test_a_call_that_cannot_be_sent_is_an_error(self, value: object) -> None:
        with pytest.raises(FleetError, match="echo"):
            probe(HttpTarget("http://127.0.0.1:1/"), timeout=1, calls=[ToolCall("echo", {"a": value})])

    def test_an_unknown_era_is_an_error(self) -> None:
        with pytest.raises(FleetError, match="ancient"):
            ping(HttpTarget("http://127.0.0.1:1/"), timeout=1, era="ancient")
        with pytest.raises(FleetError, match="none"):
            probe(HttpTarget("http://127.0.0.1:1/"), timeout=1, eras=[])

    def test_a_target_does_not_show_what_it_carries(self) -> None:
        assert "secret" not in repr(HttpTarget("http://host/mcp", {"Authorization": "secret"}))
        assert "secret" not in repr(StdioTarget(("server",), {"KEY": "secret"}))
