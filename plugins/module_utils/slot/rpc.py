# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord's XML-RPC interface over its unix socket (http://supervisord.org/api.html)."""

from __future__ import annotations

import http.client
import socket
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from ..errors import FleetError

SHUTDOWN_STATE = 6
BAD_NAME = 10
NO_FILE = 20
NOT_EXECUTABLE = 21
SPAWN_ERROR = 50
ALREADY_STARTED = 60
NOT_RUNNING = 70
ALREADY_ADDED = 90
STILL_RUNNING = 91
CANT_REREAD = 92

_RESTART = 2.0
_STEP = 0.05


class Fault(Exception):
    """supervisord refused a call; ``code`` is one of its faults, the text says why."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class Supervisor:
    """Calls to a running supervisord.

    Each call has ``timeout`` seconds in all; of these, one that is just being restarted gets 2 to come back.
    """

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        self._path = path
        self._timeout = timeout

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the namespace ``supervisor``.

        :raises Fault: when supervisord refuses.
        :raises FleetError: when it cannot be reached, does not answer in time, or is shutting down.
        """
        tried = f"ask supervisord through {self._path} for {method}"
        transport = _UnixTransport(self._path, time.monotonic() + self._timeout)
        try:
            with xmlrpc.client.ServerProxy("http://supervisord/RPC2", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == SHUTDOWN_STATE:
                cure = "Wait until it has ended, start it again (role host), then run again."
                raise FleetError(tried, "it is shutting down", cure) from fault
            raise Fault(fault.faultCode, str(fault.faultString)) from fault
        except (FileNotFoundError, ConnectionRefusedError) as error:
            cure = "Start supervisord (role host does), or look into its log for why it ended."
            raise FleetError(tried, f"nobody listens there ({error.strerror})", cure) from error
        except socket.timeout as error:
            cure = "Look into its log; a server that floods its log can keep it busy."
            raise FleetError(tried, f"no answer within {self._timeout:g} s", cure) from error
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ValueError) as error:
            cure = "See that the socket is supervisord's, open to this user, and its path below 108 bytes."
            raise FleetError(tried, f"{type(error).__name__}: {error}", cure) from error


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path, deadline: float) -> None:
        super().__init__()
        self._path = path
        self._deadline = deadline

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path, self._deadline)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, deadline: float) -> None:
        super().__init__("supervisord")
        self._path = path
        self._deadline = deadline

    def connect(self) -> None:
        patience = min(self._deadline, time.monotonic() + _RESTART)
        while True:
            self.sock = _UnixSocket(self._deadline)
            try:
                self.sock.connect(str(self._path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.sock.close()
                if time.monotonic() > patience:
                    raise
                time.sleep(_STEP)
            except OSError:
                self.sock.close()
                raise


class _UnixSocket(socket.socket):
    """All waits for it end at one moment of the monotonic clock: a socket's own timeout is for each alone."""

    def __init__(self, deadline: float) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._deadline = deadline
        self._limit()

    def sendall(self, *arguments: Any) -> None:
        self._limit()
        super().sendall(*arguments)

    def recv_into(self, *arguments: Any) -> int:
        self._limit()
        return super().recv_into(*arguments)

    def _limit(self) -> None:
        self.settimeout(max(0.001, self._deadline - time.monotonic()))
