# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to supervisord: what answers there, and how slowly."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.rpc import Supervisor

BODY = xmlrpc.client.dumps(("fine",), methodresponse=True)
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(BODY)}\r\n\r\n"


@contextlib.contextmanager
def answering(path: Path, at_once: str, then: str, pause: float) -> Iterator[Supervisor]:
    """Send a part of an answer at once, and the rest of it byte by byte with ``pause`` seconds between."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection = listener.accept()[0]
            with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.recv(65536)
                connection.sendall(at_once.encode())
                for byte in then.encode():
                    time.sleep(pause)
                    connection.sendall(bytes([byte]))

        thread = threading.Thread(target=serve)
        thread.start()
        yield Supervisor(path, timeout=0.5)
        thread.join()


@pytest.mark.parametrize(("at_once", "then"), [("", HEAD + BODY), (HEAD, BODY)], ids=["all", "body"])
def test_an_answer_that_comes_drop_by_drop_is_waited_for_no_longer_than_one_that_does_not_come(
    tmp_path: Path, at_once: str, then: str
) -> None:
    with (
        answering(tmp_path / "socket", at_once, then, pause=0.05) as supervisor,
        pytest.raises(FleetError, match=r"getState: no answer within 0.5 s. Look into its log"),
    ):
        supervisor.call("getState")


def test_an_answer_in_pieces_that_is_whole_in_time_is_taken(tmp_path: Path) -> None:
    with answering(tmp_path / "socket", HEAD + BODY[:-9], BODY[-9:], pause=0.01) as supervisor:
        assert supervisor.call("getState") == "fine"
