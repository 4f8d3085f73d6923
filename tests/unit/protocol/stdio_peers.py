# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stdio peers, good and bad, as processes: ``python -m tests.unit.protocol.stdio_peers NAME``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from tests.unit.protocol.servers import META, Server


def _messages() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        yield json.loads(line)


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def _serve(server: Server) -> None:
    for message in _messages():
        reply = server.reply(message)
        if reply is not None:
            _say(reply)


def _is_modern(message: dict[str, Any]) -> bool:
    return META + "protocolVersion" in message.get("params", {}).get("_meta", {})


def _sleep() -> NoReturn:
    while True:
        time.sleep(10)


def dual() -> None:
    """Serves both eras."""
    _serve(Server())


def modern() -> None:
    """Serves the modern era alone."""
    _serve(Server(legacy=False))


def legacy() -> None:
    """Serves the legacy era alone."""
    _serve(Server(modern=False))


def banner() -> None:
    """Prints what is no JSON-RPC before it serves."""
    print("Welcome!\n\n{not json}\n[]\n{}\r\n" + json.dumps({"jsonrpc": "1.0"}), flush=True)
    _serve(Server())


def notices() -> None:
    """Sends notifications before each reply, and a late reply to the message before."""
    server = Server()
    for message in _messages():
        reply = server.reply(message)
        _say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        if reply is not None:
            if reply["id"] > 1:
                _say({"jsonrpc": "2.0", "id": reply["id"] - 1, "result": {}})
            _say(reply)


def asks() -> None:
    """Answers only a client that answers it."""
    server = Server()
    for message in _messages():
        reply = server.reply(message)
        if reply is None:
            continue
        _say({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        assert json.loads(sys.stdin.readline()) == {"jsonrpc": "2.0", "id": "p", "result": {}}
        _say({"jsonrpc": "2.0", "id": 7, "method": "roots/list"})
        assert json.loads(sys.stdin.readline())["error"]["code"] == -32601
        _say(reply)


def exits_on_modern() -> None:
    """Ends when it hears a modern message, as some servers do."""
    server = Server(modern=False)
    for message in _messages():
        if _is_modern(message):
            sys.exit("handshake expected")
        reply = server.reply(message)
        if reply is not None:
            _say(reply)


def silent_on_modern() -> None:
    """Says nothing to a modern message."""
    server = Server(modern=False)
    for message in _messages():
        reply = server.reply(message)
        if reply is not None and not _is_modern(message):
            _say(reply)


def nameless_error() -> None:
    """Gives errors without an id."""
    server = Server(modern=False)
    for message in _messages():
        reply = server.reply(message)
        if reply is not None:
            _say({**reply, "id": None} if "error" in reply else reply)


def exits() -> None:
    """Ends at once, with a reason."""
    print("line one\nthe key is not set", file=sys.stderr)
    sys.exit(3)


def killed() -> None:
    """Ends by a signal."""
    os.kill(os.getpid(), signal.SIGKILL)


def mute() -> None:
    """Reads everything and never answers."""
    for _message in _messages():
        pass


def deaf() -> None:
    """Never reads, never answers, and does not go until it is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _sleep()


def tidies_up() -> None:
    """Goes on SIGTERM only, and notes that it did."""

    def note(_number: int, _frame: object) -> NoReturn:
        Path(os.environ["NOTE"]).write_text("tidy")
        sys.exit(0)

    signal.signal(signal.SIGTERM, note)
    _serve(Server())
    _sleep()


def stubborn() -> None:
    """Serves well, but goes neither when its stdin closes nor on SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _serve(Server())
    _sleep()


def closes_stdout() -> None:
    """Closes its stdout and lives on."""
    os.close(1)
    for _message in _messages():
        pass


def half_frame() -> None:
    """Ends in the middle of a message."""
    next(_messages())
    os.write(1, b'{"jsonrpc": "2.0", "id": 1, "resu')
    print("out of luck", file=sys.stderr)
    sys.exit(7)


def wrong_id() -> None:
    """Answers with an id that nobody gave."""
    for message in _messages():
        if "id" in message:
            _say({"jsonrpc": "2.0", "id": str(message["id"]), "result": {}})


def garbage() -> None:
    """Writes lines that are no JSON-RPC for ever."""
    while True:
        os.write(1, b"tick\n" * 100)


def blank() -> None:
    """Writes empty lines for ever."""
    while True:
        os.write(1, b"\n" * 4096)


def endless_garbage() -> None:
    """Writes one line that never ends."""
    while True:
        os.write(1, b"x" * 65536)


def endless_message() -> None:
    """Writes one message that never ends."""
    os.write(1, b'{"jsonrpc": "2.0", "id": 1, "result": "')
    while True:
        os.write(1, b"x" * 65536)


def endless_notices() -> None:
    """Sends notifications for ever."""
    line = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 60000}})
    while True:
        os.write(1, line.encode() + b"\n")


def floods_stderr() -> None:
    """Writes megabytes to stderr before it serves, and as it ends."""
    os.write(2, b"noise " * 1_000_000)
    _serve(Server())
    os.write(2, b"noise " * 1_000_000)


def leaves_child() -> None:
    """Ends at once; what it started keeps its stdout and stderr open."""
    subprocess.Popen(["sleep", "1000"])


def keeps_child() -> None:
    """Serves well, with two processes below it, one of them in a session of its own; both outlive it."""
    group = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000"])
    alone = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {group.pid} {alone.pid}")
    _serve(Server())


def says_pid() -> None:
    """Notes its pid, then never ends of itself."""
    with open(os.environ["PIDS"], "a") as stream:
        stream.write(f"{os.getpid()} ")
    deaf()


def tells_secret() -> None:
    """Shows what it was given, everywhere it can."""
    secret = os.environ["API_TOKEN"]
    print(f"the token is {secret}", file=sys.stderr, flush=True)
    for message in _messages():
        _say({"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": -1, "message": f"bad {secret}"}})
        print(f"{secret} again", flush=True)


def no_stdin_for_long() -> None:
    """Serves, but reads the first part of a long call only."""
    server = Server()
    for message in _messages():
        reply = server.reply(message)
        if reply is not None:
            _say(reply)
        if message["method"] == "tools/list":
            _sleep()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
