# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server offers to clients, in a form that two releases can be compared by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("tools", "prompts", "resources", "resource_templates")
_NAMED_BY = {"tools": "name", "prompts": "name", "resources": "uri", "resource_templates": "uriTemplate"}


@dataclass(frozen=True)
class Offer:
    """Eras served, and each kind of thing by its name (a resource by its URI)."""

    eras: tuple[str, ...] = ()
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prompts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resource_templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, eras: Iterable[str], **listed: Iterable[Mapping[str, Any]]) -> Offer:
        """From the lists of a probe; order, and protocol bookkeeping in ``_meta``, don't matter."""
        kinds = {
            kind: {
                str(item[_NAMED_BY[kind]]): {key: value for key, value in item.items() if key != "_meta"}
                for item in listed.get(kind, ())
            }
            for kind in KINDS
        }
        return cls(eras=tuple(sorted(eras)), **kinds)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Offer:
        """From ``to_json``."""
        return cls(eras=tuple(raw["eras"]), **{kind: raw[kind] for kind in KINDS})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def digest(self) -> str:
        """sha256 (hex) over the canonical JSON."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
