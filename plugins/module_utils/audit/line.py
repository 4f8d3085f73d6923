# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of the audit: JSON in one form only, with the hash of the line before and its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = "0" * 64
"""The hash that the first line of a chain names as the one before."""


@dataclass(frozen=True)
class Head:
    """The last line of a chain: whoever keeps it elsewhere can tell that nothing was cut off since."""

    seq: int = 0
    hash: str = NOTHING

    def to_json(self) -> dict[str, Any]:
        """As modules show it, and as it is handed to ``mcp_audit``."""
        return {"seq": self.seq, "hash": self.hash}


@dataclass(frozen=True)
class Line:
    """``seq`` counts from 1; ``fields`` are all of the line but its own hash."""

    seq: int
    previous: str
    hash: str
    fields: Mapping[str, Any]

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)

    @property
    def event(self) -> str:
        return str(self.fields.get("event", ""))


def written(head: Head, fields: Mapping[str, Any]) -> tuple[bytes, Head]:
    """The bytes of the line that follows ``head``, and the head that it makes."""
    whole = {**fields, "seq": head.seq + 1, "previous": head.hash}
    own = digest(_canonical(whole))
    return _canonical({**whole, "hash": own}) + b"\n", Head(head.seq + 1, own)


def read(raw: bytes) -> Line:
    """A line from its bytes, without the newline.

    :raises ValueError: saying in a few words what is wrong, when they are not just what ``written`` makes.
    """
    try:
        whole = json.loads(raw)
        own, seq, previous = whole.pop("hash"), whole["seq"], whole["previous"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("it is no line of an audit") from error
    if (
        not isinstance(seq, int)
        or isinstance(seq, bool)
        or not isinstance(previous, str)
        or not isinstance(own, str)
    ):
        raise ValueError("it is no line of an audit")
    if digest(_canonical(whole)) != own or _canonical({**whole, "hash": own}) != raw:
        raise ValueError("its content was changed: its own hash does not fit")
    return Line(seq, previous, own, whole)


def size(fields: Mapping[str, Any]) -> int:
    """Bytes that fields take in a line."""
    return len(_canonical(fields))


def digest(data: bytes) -> str:
    """sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
