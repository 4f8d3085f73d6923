# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as Streamable HTTP uses it: one endpoint, headers, sessions, and trouble put into words."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping

from .body import Body
from .connection import Connection
from .excerpt import Excerpt
from .silence import OUTAGE, UNCLEAR, NoReply
from .targets import OWN_HEADERS, HttpTarget

SPENT_LIMIT = 5
"""Sessions that are ended at most; a server that opens one with each answer is not asked more often."""

_TRAILER_SECONDS = 0.1
_TRAILER_BYTES = 64 * 1024
_GOODBYE_SECONDS = 1.0
_SESSION = re.compile(r"[\x21-\x7e]{1,1024}")
_TROUBLES = (OSError, http.client.HTTPException, ValueError)


class HttpLink:
    """One endpoint over one connection that is kept alive.

    Redirects are not followed, so headers go to no other place. With ``carries_session`` the session that
    the server opens goes with each later request. ``close`` ends every session that was opened, asked for
    or not: servers open one even with the refusal of a request they do not know (Python SDK 1.30 does).
    """

    def __init__(self, target: HttpTarget, excerpt: Excerpt, *, carries_session: bool) -> None:
        self._parts = target.parts()
        self._url = target.place()
        self._path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        self._given = {
            name: value for name, value in target.headers.items() if name.lower() not in OWN_HEADERS
        }
        self._excerpt = excerpt
        self._carries_session = carries_session
        self._session: str | None = None
        self._opened: list[str] = []
        self._connection = Connection(self._parts)
        self._phase = "connecting"
        self.version: str | None = None

    @contextlib.contextmanager
    def in_words(self) -> Iterator[None]:
        """Give trouble of the transport as NoReply; the connection is not used again after any."""
        try:
            yield
        except NoReply:
            self._connection.close()
            raise
        except _TROUBLES as error:
            self._connection.close()
            raise self._trouble(error) from None

    @contextlib.contextmanager
    def exchange(
        self,
        verb: str,
        until: float,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> Iterator[Body]:
        """Send a request, give its answer; all within the monotonic time ``until``, or NoReply.

        ``again`` allows a second try where the server gave up a kept connection as we wrote to it.
        """
        with self.in_words():
            body = self._send(verb, content, headers or {}, until, again)
            try:
                self._note_session(body.response)
                yield body
                self._finish(body, until)
            finally:
                body.close()

    def aside(self, content: bytes, until: float) -> None:
        """Post a message while an answer is still being read, over a connection of its own; it may fail."""
        connection = Connection(self._parts)
        connection.until = min(until, time.monotonic() + _GOODBYE_SECONDS)
        try:
            connection.request("POST", self._path, content, self._headers({}, content))
            connection.getresponse().close()
        except _TROUBLES:
            return
        finally:
            connection.close()

    def close(self, until: float) -> str | None:
        """End the sessions that were opened, then the connection; gives what went wrong with it."""
        trouble = None
        for session in self._opened:
            limit = min(until, time.monotonic() + _GOODBYE_SECONDS)
            try:
                with self.exchange("DELETE", limit, headers={"Mcp-Session-Id": session}, again=True):
                    pass
            except NoReply as error:
                trouble = f"its session could not be ended: {error.detail}"
        self._connection.close()
        return trouble

    def status(self, body: Body, raw: bytes | None = None) -> str:
        """The status line and the start of what stands below it, for a person."""
        line = f"HTTP {body.status} {self._excerpt(body.response.reason, 60)}".rstrip()
        if 300 <= body.status < 400:
            where = self._excerpt(body.destination(self._url) or "nowhere", 200)
            return f"{line}, a redirect to {where}, which is not followed"
        return line + self.start(body, raw)

    def start(self, body: Body, raw: bytes | None = None) -> str:
        """The start of a body as ``: text``; empty when it is no text or does not come at once."""
        kind = body.type
        if (
            not (kind.startswith("text/") or kind.endswith("json"))
            or body.encoding
            or kind == "text/event-stream"
        ):
            return ""
        if raw is None:
            raw = b""
            self._connection.until = min(self._connection.until, time.monotonic() + 0.5)
            with contextlib.suppress(NoReply, *_TROUBLES):
                raw = body.start(8 * 1024)
        text = self._excerpt.redact(raw.decode("utf-8", "replace"))
        title = re.search(r"<title[^>]*>([^<]{1,500})", text, re.IGNORECASE)
        shown = self._excerpt(title.group(1) if title else text, 120)
        return f": {shown}" if shown else ""

    def _headers(self, headers: Mapping[str, str], content: bytes | None) -> dict[str, str]:
        result = dict(self._given)
        if not any(name.lower() == "user-agent" for name in result):
            result["User-Agent"] = "mcpops.fleet"
        if content is not None:
            result["Content-Type"] = "application/json"
        result["Accept"] = (
            "text/event-stream" if "Last-Event-ID" in headers else "application/json, text/event-stream"
        )
        result["Accept-Encoding"] = "identity"
        if self.version:
            result["MCP-Protocol-Version"] = self.version
        if self._session:
            result["Mcp-Session-Id"] = self._session
        result.update(headers)
        return result

    def _send(
        self, verb: str, content: bytes | None, headers: Mapping[str, str], until: float, again: bool
    ) -> Body:
        connection = self._connection
        kept = connection.reusable()
        if not kept:
            connection.close()
        connection.until = until
        try:
            response = self._exchange(verb, content, headers)
        except ConnectionError:
            connection.close()
            if not (kept and again):
                raise
            response = self._exchange(verb, content, headers)
        self._phase = "reading the answer"
        return Body(response)

    def _exchange(
        self, verb: str, content: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        if self._connection.sock is None:
            self._phase = "connecting"
            self._connection.connect()
        self._phase = "sending"
        self._connection.request(verb, self._path, content, self._headers(headers, content))
        self._phase = "waiting for an answer"
        return self._connection.getresponse()

    def _note_session(self, response: http.client.HTTPResponse) -> None:
        session = response.getheader("Mcp-Session-Id")
        if session is None or session in self._opened:
            return
        if not _SESSION.fullmatch(session):
            raise NoReply(UNCLEAR, "an answer whose Mcp-Session-Id is not of visible ASCII characters")
        if len(self._opened) == SPENT_LIMIT:
            raise NoReply(UNCLEAR, f"more than {SPENT_LIMIT} sessions opened for one client")
        self._opened.append(session)
        if self._carries_session and self._session is None and 200 <= response.status < 300:
            self._session = session

    def _finish(self, body: Body, until: float) -> None:
        """Keep the connection if the answer is at its end, or will be in a moment."""
        self._connection.until = min(until, time.monotonic() + _TRAILER_SECONDS)
        with contextlib.suppress(NoReply, *_TROUBLES):
            body.start(_TRAILER_BYTES)
        if not body.ended:
            self._connection.close()

    def _trouble(self, error: Exception) -> NoReply:
        """An exception of the transport in words; its own text is not used: it can quote what we sent."""
        if isinstance(error, socket.timeout):
            return NoReply(OUTAGE, f"out of time while {self._phase}")
        if isinstance(error, http.client.RemoteDisconnected):
            return NoReply(OUTAGE, "the connection was closed without an answer")
        if isinstance(error, http.client.IncompleteRead):
            return NoReply(UNCLEAR, "the answer broke off before its end")
        if isinstance(error, http.client.BadStatusLine):
            return NoReply(OUTAGE, f"no HTTP answer, but {self._excerpt(error, 80)}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return NoReply(OUTAGE, f"its certificate was not accepted: {self._excerpt(error.verify_message)}")
        if isinstance(error, ssl.SSLError):
            return NoReply(OUTAGE, f"TLS failed: {self._excerpt(error.reason or 'no reason given', 80)}")
        if isinstance(error, socket.gaierror):
            return NoReply(OUTAGE, f"its host was not found: {self._excerpt(error.strerror, 80)}")
        if isinstance(error, OSError):
            reason = os.strerror(error.errno) if error.errno else str(error)
            return NoReply(OUTAGE, f"{reason} while {self._phase}")
        return NoReply(OUTAGE, f"an HTTP answer that cannot be read ({type(error).__name__})")
