# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two eras of the protocol: how each is opened, and what an answer to that says of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Union

from .excerpt import Excerpt
from .messages import METHOD_NOT_FOUND, Reply, RpcError
from .report import INCONCLUSIVE, LEGACY, MODERN, NOT_SERVED
from .silence import FOREIGN, UNCLEAR, NoReply

MODERN_VERSION = "2026-07-28"
LEGACY_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")

HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
"""The errors that only a server of the modern era gives (2026-07-28, Base Protocol)."""

_INTERNAL_ERROR = -32603

_META = "io.modelcontextprotocol/"
_CLIENT = {"name": "mcpops.fleet", "version": "1"}
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN = re.compile(r"[\x20-\x7e]*")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")


class Wire(Protocol):
    """What an era needs of a transport; each way of asking raises NoReply."""

    def ask(
        self, method: str, params: Mapping[str, Any], until: float, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request, give its reply."""

    def tell(self, method: str, until: float, headers: Mapping[str, str] | None = None) -> None:
        """Send a notification."""

    def agree(self, version: str) -> None:
        """Note the version that was negotiated."""

    def close(self, until: float) -> str | None:
        """End what was opened; gives what else a verdict should tell."""


@dataclass(frozen=True)
class Opening:
    """A server that is open: what it said of itself."""

    version: str
    server_info: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    instructions: str | None


@dataclass(frozen=True)
class Refusal:
    """No opening: the outcome, and why.

    ``settled_by_other``: it is ``not_served`` rather than ``inconclusive`` if the other era turns out to be
    served, because then the peer is well and this is how it answers what it does not know.
    """

    outcome: str
    detail: str
    settled_by_other: bool = False


class Modern:
    """The era of 2026-07-28: no handshake, every request says what it needs."""

    name = MODERN

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def open(self, until: float, excerpt: Excerpt) -> Opening | Refusal:
        """Ask what the server is; raises NoReply."""
        return judge_discovery(self.ask("server/discover", {}, until), excerpt)

    def confirm(self, opening: Opening, until: float) -> None:
        """Nothing: the next request stands for itself."""

    def ask(self, method: str, params: Mapping[str, Any], until: float, schema: Any = None) -> Reply:
        """Send a request; ``schema`` is the input schema of a tool that is called."""
        meta = {
            _META + "protocolVersion": MODERN_VERSION,
            _META + "clientInfo": _CLIENT,
            _META + "clientCapabilities": {},
        }
        return self.wire.ask(method, {**params, "_meta": meta}, until, modern_headers(method, params, schema))


class Legacy:
    """The era of 2025-11-25 and before: a handshake, and most often a session."""

    name = LEGACY

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def open(self, until: float, excerpt: Excerpt) -> Opening | Refusal:
        """Offer a hand; raises NoReply."""
        params = {"protocolVersion": LEGACY_VERSIONS[0], "capabilities": {}, "clientInfo": _CLIENT}
        return judge_handshake(self.wire.ask("initialize", params, until), excerpt)

    def confirm(self, opening: Opening, until: float) -> None:
        """Take the hand that was offered; raises NoReply."""
        self.wire.agree(opening.version)
        self.wire.tell("notifications/initialized", until)

    def ask(self, method: str, params: Mapping[str, Any], until: float, schema: Any = None) -> Reply:
        """Send a request."""
        return self.wire.ask(method, params, until)


Era = Union[Modern, Legacy]


def judge_silence(silence: NoReply) -> Refusal:
    """What it says of an era that its opening has no reply."""
    outcome = NOT_SERVED if silence.kind == FOREIGN else INCONCLUSIVE
    return Refusal(outcome, silence.detail, silence.kind == UNCLEAR)


def judge_discovery(reply: Reply, excerpt: Excerpt) -> Opening | Refusal:
    """Whether the answer to ``server/discover`` is that of a server of the modern era."""
    if reply.error is not None:
        return _judge_modern_error(reply.error, excerpt)
    result = reply.result or {}
    versions = result.get("supportedVersions")
    if not isinstance(versions, list) or not all(isinstance(version, str) for version in versions):
        return Refusal(
            INCONCLUSIVE, "server/discover gave a result without a list of supportedVersions", True
        )
    if MODERN_VERSION not in versions:
        shown = excerpt(", ".join(versions) or "no version", 120)
        return Refusal(NOT_SERVED, f"server/discover lists {shown}, not {MODERN_VERSION}")
    meta = result.get("_meta")
    info = meta.get(_META + "serverInfo") if isinstance(meta, dict) else None
    return _opening(MODERN_VERSION, info, result, "server/discover")


def _judge_modern_error(error: RpcError, excerpt: Excerpt) -> Refusal:
    shown = excerpt(error.describe())
    if error.code == UNSUPPORTED_VERSION:
        supported = error.data.get("supported") if isinstance(error.data, dict) else None
        if isinstance(supported, list) and MODERN_VERSION in supported:
            return Refusal(
                INCONCLUSIVE, f"server/discover was answered {shown}, though {MODERN_VERSION} is supported"
            )
        names = excerpt(", ".join(map(str, supported)), 120) if isinstance(supported, list) else "not said"
        return Refusal(NOT_SERVED, f"server/discover was answered {shown}; supported: {names}")
    if error.code in (HEADER_MISMATCH, MISSING_CAPABILITY):
        return Refusal(INCONCLUSIVE, f"it speaks the modern protocol but refused server/discover: {shown}")
    # An internal error is a fault, and a fault is no era.
    outcome = INCONCLUSIVE if error.code == _INTERNAL_ERROR else NOT_SERVED
    return Refusal(outcome, f"server/discover was answered {shown}", outcome == INCONCLUSIVE)


def judge_handshake(reply: Reply, excerpt: Excerpt) -> Opening | Refusal:
    """Whether the answer to ``initialize`` is that of a server of the legacy era."""
    if reply.error is not None:
        outcome = INCONCLUSIVE if reply.error.code == _INTERNAL_ERROR else NOT_SERVED
        shown = excerpt(reply.error.describe())
        return Refusal(outcome, f"initialize was answered {shown}", outcome == INCONCLUSIVE)
    result = reply.result or {}
    version = result.get("protocolVersion")
    if not isinstance(version, str):
        return Refusal(INCONCLUSIVE, "initialize gave a result without a protocolVersion", True)
    if version not in LEGACY_VERSIONS:
        return Refusal(
            NOT_SERVED, f"initialize was answered with {excerpt(version, 40)}, which is no legacy version"
        )
    return _opening(version, result.get("serverInfo"), result, "initialize")


def _opening(version: str, info: Any, result: Mapping[str, Any], method: str) -> Opening | Refusal:
    capabilities = result.get("capabilities")
    if not isinstance(capabilities, dict):
        return Refusal(INCONCLUSIVE, f"{method} gave a result without capabilities", True)
    instructions = result.get("instructions")
    return Opening(
        version,
        info if isinstance(info, dict) else {},
        capabilities,
        instructions if isinstance(instructions, str) else None,
    )


def is_unknown(reply: Reply) -> bool:
    """Whether a server says that it does not know the method."""
    return reply.error is not None and reply.error.code == METHOD_NOT_FOUND


def modern_headers(method: str, params: Mapping[str, Any], schema: Any = None) -> dict[str, str]:
    """The headers that repeat a request's body for whoever routes it (2026-07-28, Transports)."""
    headers = {"MCP-Protocol-Version": MODERN_VERSION, "Mcp-Method": method}
    name = params.get(_NAMED_BY.get(method, ""))
    if isinstance(name, str):
        headers["Mcp-Name"] = header_value(name)
    if method == "tools/call":
        headers.update(_repeated(schema, params.get("arguments")))
    return headers


def header_value(text: str) -> str:
    """``text`` as a header can carry it: in base64 with a mark unless it is plain ASCII."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not _SENTINEL.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode('ascii')}?="


def _repeated(schema: Any, arguments: Any) -> dict[str, str]:
    """``Mcp-Param-…`` for each argument that its schema marks ``x-mcp-header`` (2026-07-28, Transports)."""
    headers: dict[str, str] = {}
    places = [(schema, arguments)]
    while places:
        place, values = places.pop()
        properties = place.get("properties") if isinstance(place, dict) else None
        if not isinstance(properties, dict) or not isinstance(values, Mapping):
            continue
        for name, value in values.items():
            described = properties.get(name)
            mark = described.get("x-mcp-header") if isinstance(described, dict) else None
            if isinstance(mark, str) and re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", mark):
                if isinstance(value, (bool, str, int)):
                    text = str(value).lower() if isinstance(value, bool) else str(value)
                    headers[f"Mcp-Param-{mark}"] = header_value(text)
            elif described is not None:
                places.append((described, value))
    return headers
