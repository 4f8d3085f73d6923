# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands to HAProxy's runtime: which of them are sent again when HAProxy goes away in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime, pieces
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError


class Flaky:
    """Resets the first connection, as a master does that begins anew, and answers the others."""

    def __init__(self, path: Path) -> None:
        self.heard: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection = self._listener.accept()[0]
            with connection:
                if connection.recv(4) == b"bye\n":
                    return
                if not self.heard:
                    self.heard.append("cut off")
                    continue
                while part := connection.recv(4096):
                    self.heard.append(part.decode())
                connection.sendall(b"fine\n")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self._listener.getsockname())
            last.sendall(b"bye\n")
        self._thread.join()
        self._listener.close()


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[Flaky]:
    server = Flaky(tmp_path / "socket")
    yield server
    server.close()


def test_a_question_that_was_cut_off_is_asked_again(flaky: Flaky, tmp_path: Path) -> None:
    assert Runtime(Effects(), tmp_path / "socket").ask("show proc") == "fine"
    assert len(flaky.heard) > 1


def test_a_change_that_was_cut_off_is_not_made_twice(flaky: Flaky, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="reset"):
        Runtime(Effects(), tmp_path / "socket").change("commit map @1 active.map")
    assert flaky.heard == ["cut off"]


def test_lines_are_put_together_to_texts_that_are_not_too_long_and_none_is_lost() -> None:
    lines = [f"{'ä' * number}\n" for number in range(30)]
    texts = list(pieces(lines, most=40))
    assert "".join(texts) == "".join(lines)
    assert all(len(text.encode()) <= 40 or text.count("\n") == 1 for text in texts)
    assert list(pieces([])) == []


class Deaf(Runtime):
    """Answers like HAProxy, which drops what is too long for a command as if it had taken it."""

    def send(self, command: str) -> str:
        assert not command.startswith("commit")
        if command == "show info":
            return "Pid: 1\nUptime_sec: 1"
        return "New version created: 7" if command.startswith("prepare") else ""


def test_a_map_that_did_not_arrive_whole_is_not_put_in_place(tmp_path: Path) -> None:
    runtime = Deaf(Effects(), tmp_path / "socket")
    with pytest.raises(FleetError, match=r"give HAProxy 2 entries .*it holds 0 of them"):
        runtime.replace_map(tmp_path / "routes.map", {"/one": "one", "/two": "two"}, 1)
