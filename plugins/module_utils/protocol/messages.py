# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON-RPC messages as MCP uses them: written, read within limits, and told apart."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Union

MESSAGE_LIMIT = 16 * 1024 * 1024
"""Bytes of one message, or of one HTTP body with all that precedes the reply in it."""

VALUE_LIMIT = 500_000
"""Commas and brackets in one message: a few bytes of JSON can cost a hundred in memory."""

DEPTH_LIMIT = 200

PRECEDING_LIMIT = 10_000
"""Events or lines that may come before the reply to a request."""

METHOD_NOT_FOUND = -32601

_STRUCTURE = (b",", b"[", b"{", b":")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class NotJson(ValueError):
    """The bytes are not JSON that is safe to work on; the text says why."""


@dataclass(frozen=True)
class RpcError:
    """A JSON-RPC error."""

    code: int
    message: str
    data: Any = None

    def describe(self) -> str:
        """``-32601 (Method not found)``."""
        return f"{self.code} ({self.message})" if self.message else str(self.code)


@dataclass(frozen=True)
class Reply:
    """An answer: either ``result`` or ``error`` is given."""

    id: Any
    result: Mapping[str, Any] | None = None
    error: RpcError | None = None


@dataclass(frozen=True)
class Ask:
    """A request from the server to us."""

    id: Any
    method: str


@dataclass(frozen=True)
class Notice:
    """A notification from the server."""

    method: str


Message = Union[Reply, Ask, Notice]


def encode(value: Mapping[str, Any]) -> bytes:
    """One message on one line, without a line break: JSON escapes them."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def request(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """A request with the id ``number``."""
    return encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def notification(method: str) -> bytes:
    """A notification without parameters."""
    return encode({"jsonrpc": "2.0", "method": method})


def answer(ask: Ask) -> bytes:
    """What we tell a server that asks us: we are here, and can do nothing."""
    if ask.method == "ping":
        return encode({"jsonrpc": "2.0", "id": ask.id, "result": {}})
    return encode(
        {"jsonrpc": "2.0", "id": ask.id, "error": {"code": METHOD_NOT_FOUND, "message": "Method not found"}}
    )


def parse(raw: bytes) -> Any:
    """The JSON value in ``raw``; raises NotJson for what is none, or would choke whoever works on it."""
    if len(raw) > MESSAGE_LIMIT:
        raise NotJson(f"it is longer than {MESSAGE_LIMIT} bytes")
    if sum(raw.count(sign) for sign in _STRUCTURE) > VALUE_LIMIT:
        raise NotJson(f"it holds more than {VALUE_LIMIT} values")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8") from None
    except RecursionError:
        raise NotJson("it is nested too deep") from None
    except NotJson:
        raise
    except ValueError as error:
        raise NotJson(str(getattr(error, "msg", "a number is out of range"))) from None
    _check_depth(value)
    if _SURROGATE.search(raw):
        _check_text(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise NotJson("a number is out of range")
    return value


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT:
            raise NotJson("it is nested too deep")
        level = [child for item in level for child in _children(item) if isinstance(child, (dict, list))]


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_text(value: Any) -> None:
    # Half a surrogate pair parses, and then breaks whoever writes the text out.
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("a text in it is not Unicode") from None


def messages(value: Any) -> Iterator[Message | None]:
    """The messages in a parsed value, a batch taken apart; None for each that is no JSON-RPC."""
    for item in value if isinstance(value, list) and value else [value]:
        yield _message(item)


def _message(value: Any) -> Message | None:
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return None
    if "method" in value:
        method = value["method"]
        if not isinstance(method, str):
            return None
        return Ask(value["id"], method) if "id" in value else Notice(method)
    if ("result" in value) == ("error" in value):
        return None
    if "result" in value:
        result = value["result"]
        return Reply(value.get("id"), result=result) if isinstance(result, dict) and "id" in value else None
    error = _error(value["error"])
    return Reply(value.get("id"), error=error) if error else None


def _error(value: Any) -> RpcError | None:
    if not isinstance(value, dict) or not is_integer(value.get("code")):
        return None
    message = value.get("message")
    return RpcError(value["code"], message if isinstance(message, str) else "", value.get("data"))


def is_integer(value: Any) -> bool:
    """Whether a JSON value is a whole number; for Python true is one."""
    return isinstance(value, int) and not isinstance(value, bool)


def same_id(one: Any, other: int) -> bool:
    """Whether a reply's id is the number we gave; true is not 1, and "1" is not 1."""
    return is_integer(one) and bool(one == other)
