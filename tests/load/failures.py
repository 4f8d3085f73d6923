# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a request failed, in a few reasons that can be counted."""

from __future__ import annotations

import asyncio
import errno
import json
import re

import aiohttp

EXCERPT = 300
"""Characters of an answer that are kept to say what came back."""

METHOD_NOT_FOUND = -32601


class Failed(Exception):
    """A request that did not get a good answer.

    :param reason: what is counted, e.g. ``http 503``.
    :param detail: what came back, for a person.
    :param status: the HTTP status, when there was one.
    :param code: the JSON-RPC error code, when there was one.
    """

    def __init__(
        self, reason: str, detail: str = "", status: int | None = None, code: int | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.code = code

    def session_is_unknown(self) -> bool:
        """Whether this answer, given to a request that carried a session id, says that the session is gone.

        404 is what the specification asks for; the TypeScript SDK's example server answers 400 with a message
        about the session id. A 404 for an unknown method (-32601) says nothing of the session.
        """
        if self.status == 404:
            return self.code != METHOD_NOT_FOUND
        return self.status == 400 and re.search(r"session", self.detail, re.IGNORECASE) is not None

    def is_outage(self) -> bool:
        """Whether nobody served the request, as opposed to an answer that is not the right one."""
        if self.status is not None:
            return self.status >= 500
        return self.reason.startswith(
            ("cannot connect", "connection refused", "disconnected", "answer cut", "timeout")
        )


def refusal(status: int, body: bytes) -> Failed:
    """The failure that an HTTP answer with a status other than 2xx is."""
    text = body.decode("utf-8", "replace")[:EXCERPT]
    code = None
    try:
        message = json.loads(body)
        code = message["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Failed(f"http {status}", text, status, code if isinstance(code, int) else None)


def classify(error: BaseException, answering: bool) -> Failed:
    """The failure that an exception of a request is; ``answering`` when the answer's header had already come.

    A FIN and a RST in place of an answer are one reason, "disconnected": which of them is seen depends on
    which packet is handled first.
    """
    if isinstance(error, Failed):
        return error
    what = f"{type(error).__name__}: {error}"[:EXCERPT]
    if isinstance(error, asyncio.CancelledError):
        return Failed("aborted", "the load was told a second time to stop")
    if isinstance(error, asyncio.TimeoutError):
        return Failed("timeout", "while the answer came in" if answering else "no answer")
    if isinstance(error, aiohttp.ClientConnectorError):
        if error.os_error.errno == errno.ECONNREFUSED:
            return Failed("connection refused", what)
        return Failed(
            f"cannot connect: {errno.errorcode.get(error.os_error.errno or 0, type(error).__name__)}", what
        )
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
        return Failed("answer cut" if answering else "disconnected", what)
    if isinstance(error, aiohttp.ClientResponseError):
        return Failed("bad answer: not HTTP", what)
    return Failed(f"fault of the load client: {type(error).__name__}", what)
