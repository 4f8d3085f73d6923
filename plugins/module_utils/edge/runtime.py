# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's runtime interface: one command per connection over its unix socket.

It reports errors as text with a normal end of connection (measured on 2.6), so a command that changes
something must answer with nothing, and what was changed is read back.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError

_ANSWER_LIMIT = 256 * 1024 * 1024
_RETRY = 0.05
_RESTART = 2.0
_COMMAND_BYTES = 8 * 1024
"""Of one command at most; HAProxy takes less than its buffer (tune.bufsize, 16 KiB unless configured)."""
_TABLE_ENTRY = re.compile(r"^0x[0-9a-f]+: key=(\S+) (.*)$")


class Runtime:
    """Commands to a running HAProxy. ``timeout`` bounds each whole command, in seconds."""

    def __init__(self, effects: Effects, path: Path, timeout: float = 5.0) -> None:
        self._effects = effects
        self._path = path
        self._timeout = timeout

    def ask(self, command: str) -> str:
        """Send a command that changes nothing; its answer as text. One that is cut off by HAProxy's reload of
        itself is sent again.

        :raises FleetError: as ``send``.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return self.send(command)
            except FleetError as error:
                cut_off = isinstance(error.__cause__, (ConnectionResetError, BrokenPipeError))
                if not cut_off or time.monotonic() + _RETRY >= deadline:
                    raise
            time.sleep(_RETRY)

    def send(self, command: str) -> str:
        """Send a command once; its answer as text.

        :raises FleetError: when the socket is not there, nobody listens, or no whole answer comes in time.
        """
        deadline = time.monotonic() + self._timeout
        try:
            with self._connect(deadline) as connection:
                connection.sendall(command.encode() + b"\n")
                connection.shutdown(socket.SHUT_WR)
                return _read_all(connection, deadline)
        except OSError as error:
            raise FleetError(
                f"ask HAProxy through {self._path} for {command.split('<<')[0].strip()!r}",
                "no answer in time" if isinstance(error, socket.timeout) else str(error),
                "Start the edge (role edge), or look at its log.",
            ) from error

    def _connect(self, deadline: float) -> socket.socket:
        """A connection; an HAProxy that is just being restarted gets _RESTART seconds to come back."""
        deadline = min(deadline, time.monotonic() + _RESTART)
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                connection.connect(str(self._path))
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                if time.monotonic() + _RETRY >= deadline:
                    raise
                time.sleep(_RETRY)
            except BaseException:
                connection.close()
                raise

    def change(self, command: str, expect: str = "") -> str:
        """Send a command that changes something; its answer must begin with ``expect``, or be empty."""
        first_line = command.splitlines()[0]
        answer = self._effects.act("edge", first_line, lambda: self.send(command))
        if answer != "" if not expect else not answer.startswith(expect):
            raise FleetError(f"tell HAProxy {first_line!r}", answer or "nothing", "Look at the edge's log.")
        return answer

    def map_entries(self, file: Path) -> dict[str, str]:
        """What a map holds at run time."""
        return self._entries(file, f"show map {file}")

    def _entries(self, file: Path, command: str) -> dict[str, str]:
        answer = self.ask(command)
        if answer.startswith("Unknown map"):
            raise FleetError(
                f"read the map {file} from HAProxy",
                answer,
                "Its configuration is not the collection's: run role edge.",
            )
        rows = (line.split(None, 2) for line in answer.splitlines() if line)
        return {row[1]: row[2] for row in rows if len(row) == 3}

    def replace_map(self, file: Path, entries: Mapping[str, str], process: int) -> None:
        """Give a map new content in one transaction: a request sees all of the old or all of the new.

        :param process: the id of the process for which the content was made. One that was started since has
            read the files, and what was not yet prepared in it is for another.
        :raises FleetError: when HAProxy does not hold what it was given, or is another process; then the map
            is as it was.
        """
        answer = self.change(f"prepare map {file}", expect="New version created: ")
        if self.identity()[0] != process:
            raise FleetError(
                f"give HAProxy the map {file}", "it was restarted meanwhile", "Run the update again."
            )
        version = answer.rsplit(" ", 1)[1]
        for piece in pieces(f"{key} {value}\n" for key, value in sorted(entries.items())):
            self.change(f"add map @{version} {file} <<\n{piece}")
        # What is too long for a command is dropped with an empty answer, like that of a success.
        arrived = self._entries(file, f"show map @{version} {file}")
        if arrived != entries:
            raise FleetError(
                f"give HAProxy {len(entries)} entries of the map {file}",
                f"it holds {len(arrived)} of them, and goes on with what it had",
                "Look at the edge's log.",
            )
        self.change(f"commit map @{version} {file}")

    def table(self, name: str, condition: str = "", process: str = "") -> dict[str, dict[str, int]]:
        """Entries of a stick-table: key -> counter -> value. ``condition`` as in ``show table``; ``process``
        is the prefix by which a master passes a command on.

        :raises FleetError: when HAProxy has no such table.
        """
        rows = {}
        answer = self.ask(f"{process}show table {name} {condition}".rstrip())
        if answer.startswith("No such table"):
            raise FleetError(
                f"read the table {name} from HAProxy",
                answer,
                "Its configuration is of another version of the collection: run role edge.",
            )
        for line in answer.splitlines():
            match = _TABLE_ENTRY.match(line)
            if match:
                fields = (field.split("=", 1) for field in match[2].split(" ") if "=" in field)
                rows[match[1]] = {counter.split("(")[0]: int(value) for counter, value in fields}
        return rows

    def uptime(self) -> int:
        """Seconds since this HAProxy process started."""
        return self.identity()[1]

    def identity(self, process: str = "") -> tuple[int, int]:
        """A HAProxy process's id, and seconds since it started; ``process`` as for ``table``."""
        said = self.ask(f"{process}show info")
        found = [re.search(rf"^{name}: (\d+)", said, re.MULTILINE) for name in ("Pid", "Uptime_sec")]
        pid, uptime = (int(match[1]) if match else None for match in found)
        if pid is None or uptime is None:
            raise FleetError("read HAProxy's uptime", "show info has none", "HAProxy 2.6 or newer is needed.")
        return pid, uptime


def pieces(lines: Iterable[str], most: int = _COMMAND_BYTES) -> Iterator[str]:
    """The lines put together to texts of at most so many bytes each; a longer line is a text of its own."""
    piece: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode())
        if piece and size + length > most:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += length
    if piece:
        yield "".join(piece)


def _read_all(connection: socket.socket, deadline: float) -> str:
    answer = bytearray()
    while len(answer) < _ANSWER_LIMIT:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(1 << 18)
        if not part:
            return answer.decode("utf-8", "replace").strip()
        answer += part
    raise OSError(f"its answer is longer than {_ANSWER_LIMIT} bytes")
