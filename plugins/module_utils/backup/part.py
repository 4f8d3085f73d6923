# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server in a backup, as values and as JSON: its record, what its slots start, where clients find it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..definition.server import ServerDefinition, UpdatePolicy
from ..journal.record import Deployment, Record
from ..slot.sandbox import Sandbox
from ..slot.spec import SlotSpec


@dataclass(frozen=True)
class ServerPart:
    """``record`` has no transaction; ``specs`` has what each of its slots starts, credentials included.
    ``route`` and ``generation`` are those of the active slot at the edge; None for a stdio server."""

    record: Record
    specs: Mapping[str, SlotSpec] = field(repr=False)
    route: str | None = None
    generation: int | None = None

    @property
    def name(self) -> str:
        return self.record.server

    @property
    def slot(self) -> str:
        """The active slot."""
        return str(self.record.active)

    @property
    def active(self) -> Deployment:
        return self.record.slots[self.slot]

    def packages(self) -> dict[str, str]:
        """Slot to package, the active slot first."""
        slots = sorted(self.record.slots, key=lambda slot: slot != self.slot)
        return {slot: self.record.slots[slot].package for slot in slots}

    def definition(self, ready_timeout: float) -> ServerDefinition:
        """As much of its definition as proving it again takes; what it starts stands in ``specs``."""
        active, spec = self.active, self.specs[self.slot]
        return ServerDefinition(
            name=self.name,
            registry_type=active.registry_type,
            identifier=active.identifier,
            version=active.version,
            transport=str(active.configuration["transport"]),
            sha256=active.sha256,
            serve=str(active.configuration.get("serve") or "launcher"),
            path=str(active.configuration.get("path") or "/mcp"),
            route=self.route or "",
            update=UpdatePolicy(ready_timeout=ready_timeout, stop_timeout=spec.stop_timeout),
            probe_headers=(active.definition or {}).get("probe_headers", {}),
        )

    def to_json(self, secrets: bool = True) -> dict[str, Any]:
        """All of it; without ``secrets`` credentials by name only."""
        return {
            "record": json.loads(self.record.to_json()),
            "slots": {slot: _spec_to_json(spec, secrets) for slot, spec in sorted(self.specs.items())},
            "route": self.route,
            "generation": self.generation,
        }

    @classmethod
    def from_json(cls, text: bytes) -> ServerPart:
        """:raises ValueError, TypeError, KeyError, AttributeError, FleetError: when it is none, or its parts
        do not belong together."""
        raw = json.loads(text)
        record = Record.from_json(json.dumps(raw["record"]))
        specs = {slot: _spec_from_json(value) for slot, value in raw["slots"].items()}
        part = cls(record, specs, raw["route"], raw["generation"])
        if record.transaction is not None or record.active not in record.slots:
            raise ValueError("its record is not settled")
        if {(spec.server, slot) for slot, spec in specs.items()} != {
            (part.name, slot) for slot in record.slots
        }:
            raise ValueError("its slots are not those of its record")
        if any(spec.slot != slot for slot, spec in specs.items()):
            raise ValueError("its slots are mixed up")
        kinds = (str, int) if record.ports else (type(None), type(None))
        if not (isinstance(part.route, kinds[0]) and isinstance(part.generation, kinds[1])):
            raise ValueError("its route is not that of its record")
        return part


def _spec_to_json(spec: SlotSpec, secrets: bool) -> dict[str, Any]:
    credentials = dict(spec.credentials) if secrets else sorted(spec.credentials)
    return {**asdict(spec), "credentials": credentials}


def _spec_from_json(raw: Mapping[str, Any]) -> SlotSpec:
    sandbox: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw["sandbox"].items()
    }
    return SlotSpec(**{**raw, "argv": tuple(raw["argv"]), "sandbox": Sandbox(**sandbox)})
