# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server offers to clients, in a form that two releases can be compared by: the contract.

Order does not matter in it, nor does ``_meta``: bookkeeping of the protocol and of extensions, which hosts
read and models do not.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import FleetError
from ..protocol.report import LEGACY
from .document import exact, ordered

KINDS = ("tools", "prompts", "resources", "resource_templates")
_NAMED_BY = {"tools": "name", "prompts": "name", "resources": "uri", "resource_templates": "uriTemplate"}
_LATER = ("capabilities", "instructions", "transport")
"""What records of older versions of the collection do not have."""

DEEPEST = 100
"""JSON within JSON of one item, at most."""

LARGEST = 32 * 1024 * 1024
"""Bytes of a contract as JSON, at most."""


@dataclass(frozen=True)
class Offer:
    """Eras served, and each kind of thing by its name (a resource by its URI).

    ``capabilities`` are by era; None, like that of ``transport`` and ``instructions``: not known (an offer
    that an older version of the collection kept). A server without instructions has empty ones.

    Where both eras are served all this is what modern clients get, and ``legacy`` what legacy ones get: an
    offer without eras where that is the same, None where it is not known.
    """

    eras: tuple[str, ...] = ()
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prompts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resource_templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    capabilities: Mapping[str, Mapping[str, Any]] | None = None
    instructions: str | None = None
    transport: str | None = None
    legacy: Offer | None = None

    @classmethod
    def of(
        cls,
        eras: Iterable[str],
        capabilities: Mapping[str, Mapping[str, Any]] | None = None,
        instructions: str | None = None,
        transport: str | None = None,
        legacy: Offer | None = None,
        **listed: Iterable[Mapping[str, Any]],
    ) -> Offer:
        """From the lists of a probe; order, and protocol bookkeeping in ``_meta``, don't matter.

        :param legacy: what legacy clients get, where both eras are served.
        :raises FleetError: when it is too large or nested too deep to be kept and compared, or has two
            items of one name.
        """
        kinds: dict[str, Any] = {kind: _by_name(kind, listed.get(kind, ())) for kind in KINDS}
        for kind, items in kinds.items():
            for name, item in items.items():
                check_depth(f"{kind[:-1].replace('_', ' ')} {name[:60]!r}", item)
        offer = cls(tuple(sorted(eras)), **kinds, capabilities=capabilities, instructions=instructions,
                    transport=transport)  # fmt: skip
        if legacy is not None:
            offer = replace(offer, legacy=Offer() if offer.says_the_same_as(legacy) else legacy)
        size = len(offer.canonical)
        if size > LARGEST:
            raise FleetError(
                "read what it offers",
                f"it is {size / 1e6:.0f} MB of JSON ({len(offer.tools)} tools), and {LARGEST / 1e6:.0f} MB"
                " are the most that is kept and compared",
                "Let the server offer less (many have an option that chooses tools).",
            )
        return offer

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Offer:
        """From ``to_json``, of this or an older version of the collection."""
        later: dict[str, Any] = {key: raw.get(key) for key in _LATER}
        legacy = raw.get("legacy")
        if legacy is not None:
            later["legacy"] = cls.from_json(legacy) if legacy else cls()
        return cls(eras=tuple(raw["eras"]), **{kind: raw[kind] for kind in KINDS}, **later)

    def to_json(self) -> dict[str, Any]:
        """As the journal keeps it."""
        # Not asdict, which copies every schema.
        said = {"eras": list(self.eras), **{key: getattr(self, key) for key in (*KINDS, *_LATER)}}
        if self.legacy is not None:
            said["legacy"] = self.legacy.to_json() if self.legacy.eras else {}
        return said

    def for_legacy(self) -> Offer | None:
        """What legacy clients get; None: nothing, or it is not known."""
        if LEGACY not in self.eras:
            return None
        if len(self.eras) == 1 or (self.legacy and not self.legacy.eras):
            return self
        return self.legacy

    def says_the_same_as(self, other: Offer) -> bool:
        """Whether instructions and lists are the same, but for resources; eras and capabilities aside."""
        kinds = ("tools", "prompts", "resource_templates", "instructions")
        mine, others = ({kind: getattr(offer, kind) for kind in kinds} for offer in (self, other))
        return _ordered(mine) == _ordered(others)

    @functools.cached_property
    def canonical(self) -> bytes:
        """All that is judged, as JSON that is the same for the same contract.

        Resources are not in it: they are a server's data, which come and go while it runs and differ from
        host to host.
        """
        text = json.dumps(self._judged(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")

    def _judged(self) -> dict[str, Any]:
        parts = self.to_json()
        parts.pop("legacy", None)
        del parts["resources"]
        legacy = {"legacy": self.legacy._judged()} if self.legacy and self.legacy.eras else {}
        return {**_ordered(parts), **legacy}

    @functools.cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self.canonical).hexdigest()

    def digest(self) -> str:
        """``sha256:`` and the hash (hex) of the canonical form: what an approval names."""
        return f"sha256:{self._digest}"


def _by_name(kind: str, items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        name = str(item[_NAMED_BY[kind]])
        kept = {key: value for key, value in item.items() if key != "_meta"}
        if name in found and exact(found[name]) != exact(kept):
            raise FleetError(
                "read what it offers",
                f"{kind[:-1].replace('_', ' ')} {name[:60]!r} is listed twice, and not the same both times",
                "Report it to the server's authors; until then keep the version in service.",
            )
        found[name] = kept
    return found


def _ordered(parts: dict[str, Any]) -> dict[str, Any]:
    """With the lists of schemas that are sets in one order."""
    tools = {
        name: {key: ordered(value) if key.endswith("Schema") else value for key, value in tool.items()}
        for name, tool in parts["tools"].items()
    }
    return {**parts, "tools": tools}


def check_depth(what: str, item: Any) -> None:
    """:raises FleetError: when there is more within each other than can be kept and compared."""
    level = [item]
    for _depth in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise FleetError(
        f"read what it offers, {what}",
        f"it is nested deeper than {DEEPEST} levels",
        "Report it to the server's authors; until then keep the version in service.",
    )
