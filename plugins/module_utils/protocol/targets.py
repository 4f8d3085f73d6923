# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is probed, and with which calls."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union
from urllib.parse import SplitResult, urlsplit

from ..errors import FleetError

OWN_HEADERS = frozenset(
    "accept accept-encoding connection content-encoding content-length content-type expect last-event-id "
    "mcp-method mcp-name mcp-protocol-version mcp-session-id te trailer transfer-encoding upgrade".split()
)
"""What a probe itself says in each request; others say nothing in its place."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True)
class HttpTarget:
    """A Streamable HTTP endpoint. ``headers`` go with every request to it and may carry secrets.

    ``hidden`` are values that the server has from others, by name: what it says must not show them.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)

    def parts(self) -> SplitResult:
        """The URL's parts; raises FleetError when it is no URL that can be asked."""
        tried = "read the URL of a server to probe"
        cure = "Give http://HOST:PORT/PATH or https://…, and credentials as a header."
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise FleetError(tried, f"it cannot be parsed ({type(error).__name__})", cure) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise FleetError(tried, "it names no http or https host", cure)
        if parts.username is not None or parts.password is not None:
            raise FleetError(tried, "it carries a user or a password", cure)
        if not _VISIBLE.fullmatch(self.url):
            raise FleetError(tried, "it has spaces, control or non-ASCII characters", cure)
        return parts

    def place(self) -> str:
        """Scheme, host, port and path: what may be shown. A query can hold a token."""
        parts = self.parts()
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    def check(self) -> None:
        """Raise FleetError when it cannot be asked, whoever listens there; values are not shown."""
        self.parts()
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                raise FleetError(
                    f"use the header {name!r} in a probe",
                    "its name or value has characters that HTTP does not carry",
                    "Correct the header; a line break at the end of a value is a usual cause.",
                )


@dataclass(frozen=True)
class StdioTarget:
    """A server that talks over stdin and stdout.

    ``environment`` is the complete environment of the process and may carry secrets; ``hidden`` as above;
    ``directory`` is where it starts, the present one when None.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    directory: str | None = None
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)

    def place(self) -> str:
        """The program: what may be shown; arguments can hold a token."""
        return self.argv[0] if self.argv else "nothing"

    def check(self) -> None:
        """Raise FleetError when no process can be started from it; values are not shown."""
        if not self.argv or not self.argv[0]:
            raise FleetError("start a process to probe", "the command is empty", "Name the program to start.")
        texts = [*self.argv, *self.environment, *self.environment.values(), self.directory or ""]
        if any("\0" in text for text in texts) or any(not name or "=" in name for name in self.environment):
            raise FleetError(
                f"start {self.place()!r} to probe it",
                "there is a NUL in its definition, or a variable's name is empty or holds '='",
                "Correct the server's definition.",
            )


Target = Union[HttpTarget, StdioTarget]


@dataclass(frozen=True)
class ToolCall:
    """A tool to call once its server is open, with the arguments to call it with."""

    tool: str
    arguments: Mapping[str, Any]

    def check(self) -> None:
        """Raise FleetError when the arguments cannot be sent as JSON."""
        try:
            json.dumps(dict(self.arguments), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise FleetError(
                f"call the tool {self.tool!r}",
                f"its arguments cannot be written as JSON ({type(error).__name__})",
                "Use text, numbers, booleans, lists and mappings only.",
            ) from None
