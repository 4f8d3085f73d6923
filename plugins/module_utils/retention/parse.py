# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy as an operator writes it, checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ..errors import FleetError
from .policy import KINDS, ORPHANS, PRESETS, Policies, Policy, completed, merged, of_preset

KEYS = ("preset", "pin", "keep", "orphans", *KINDS)
PARTS = ("keep", "min_age", "max_age", "budget")
UNLIMITED = "unlimited"

_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(s|min|m|h|d|w)?")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([KMGT])?(?:i?B)?")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {None: 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_PIN = re.compile(r"[^\s@/][^\s@]*@[^\s@/]+|@[^\s@/]+/[^\s@/]+@[^\s@/]+")

_LONGEST = 100 * 365 * 86400.0
_MOST = 10_000


def parse_policy(raw: Any, where: str, server: str | None = None) -> Policy:
    """A policy; ``where`` is the variable or key in which it stands.

    :raises FleetError: naming the key, what is wrong with it and how to write it.
    """
    reading = _Reading(where, server)
    if not isinstance(raw, Mapping):
        raise reading.wrong("", raw, f"Write it as a mapping with the keys {', '.join(KEYS)}.")
    reading.known("", raw, KEYS)
    given: dict[str, dict[str, object]] = {}
    preset = raw.get("preset")
    if preset is not None:
        if preset not in PRESETS:
            raise reading.wrong("preset", preset, f"Choose one of {', '.join(PRESETS)}.")
        given = of_preset(preset)
    for kind in KINDS:
        if kind in raw:
            given[kind] = {**given.get(kind, {}), **reading.rule(kind, raw[kind])}
    orphans = raw.get("orphans")
    if orphans is not None and orphans not in ORPHANS:
        raise reading.wrong("orphans", orphans, f"Choose one of {', '.join(ORPHANS)}.")
    return Policy(
        given,
        frozenset(reading.names("pin", raw.get("pin"), exact=True)),
        frozenset(reading.names("keep", raw.get("keep"), exact=False)),
        orphans,
    )


def parse_policies(fleet: Any, servers: Any) -> tuple[Policies, dict[str, str]]:
    """The policies of a fleet and of its servers, and which ``identifier@version`` its inventory defines.

    :param fleet: policies by the variable in which each stands.
    :param servers: of each server ``name``, ``package``, and if it has them ``retention`` and ``protected``.
    :raises FleetError: naming the policy and the key.
    """
    if not isinstance(fleet, Mapping):
        raise _Reading("policies", None).wrong("", fleet, "Give policies by name.")
    everyone = [parse_policy(raw, str(name)) for name, raw in fleet.items()]
    whole = completed(merged(everyone))
    own: dict[str, Policy] = {}
    packages: dict[str, set[str]] = {}
    wanted: dict[str, str] = {}
    protected: set[str] = set()
    for server in servers or []:
        try:
            name, package = str(server["name"]), server["package"]
            group = f"{package['registry_type']}/{str(package['identifier']).replace('/', '+')}"
            wanted[f"{package['identifier']}@{package['version']}"] = name
        except (TypeError, KeyError) as error:
            raise _Reading("servers", None).wrong(
                "", server, "Give each its name and package, as its definition has them."
            ) from error
        packages.setdefault(group, set()).add(name)
        if server.get("protected"):
            protected.add(name)
        if server.get("retention") is not None:
            own[name] = parse_policy(server["retention"], "retention", name)
    groups = {group: frozenset(names) for group, names in packages.items()}
    wishes = {policy.orphans for policy in (*everyone, *own.values())}
    differ = ("orphans: one policy says end, another report; report holds",)
    warnings = differ if wishes >= set(ORPHANS) else ()
    return Policies(whole, own, groups, frozenset(protected), warnings), wanted


class _Reading:
    """Complaints that say where in which policy they are."""

    def __init__(self, where: str, server: str | None) -> None:
        self._where = where
        self._server = server

    def wrong(self, key: str, value: Any, cure: str) -> FleetError:
        return self.complaint(key, f"it is {value!r}", cure)

    def complaint(self, key: str, came_back: str, cure: str) -> FleetError:
        place = ".".join(part for part in (self._where, key) if part)
        return FleetError(f"read the retention policy, {place}", came_back, cure, self._server)

    def known(self, key: str, raw: Mapping[Any, Any], keys: tuple[str, ...]) -> None:
        unknown = sorted(str(name) for name in raw if name not in keys)
        if unknown:
            raise self.complaint(key, f"unknown key {', '.join(unknown)}", f"Known keys: {', '.join(keys)}.")

    def names(self, key: str, raw: Any, exact: bool) -> list[str]:
        """Names of releases, or patterns of them."""
        if raw is None:
            return []
        like = "mcp-server-time@2026.8.18" if exact else "mcp-server-*"
        if isinstance(raw, str) or not isinstance(raw, (list, tuple)):
            raise self.wrong(key, raw, f'Write it as a list, like ["{like}"].')
        for name in raw:
            if not isinstance(name, str) or not name.strip() or (exact and not _PIN.fullmatch(name)):
                raise self.wrong(key, name, f'Write each like "{like}".')
        return [str(name) for name in raw]

    def rule(self, kind: str, raw: Any) -> dict[str, object]:
        """The parts of a kind's rule that are written down. False: nothing of the kind is deleted."""
        if raw is False:
            return {"delete": False}
        if not isinstance(raw, Mapping):
            raise self.wrong(kind, raw, f"Give false, or a mapping with the keys {', '.join(PARTS)}.")
        self.known(kind, raw, PARTS)
        rule: dict[str, object] = {"delete": True}
        if "keep" in raw:
            rule["keep"] = self.count(f"{kind}.keep", raw["keep"])
        for part, lowest in (("min_age", 0.0), ("max_age", 60.0)):
            if part in raw:
                rule[part] = self.age(f"{kind}.{part}", raw[part], lowest, unlimited=part == "max_age")
        if "budget" in raw:
            rule["budget"] = self.size(f"{kind}.budget", raw["budget"])
        return rule

    def count(self, key: str, raw: Any) -> float | None:
        if raw == UNLIMITED:
            return None
        whole = not isinstance(raw, bool) and isinstance(raw, (int, str)) and re.fullmatch("[0-9]+", str(raw))
        if not whole or int(raw) > _MOST:
            raise self.wrong(key, raw, f"Give a whole number from 0 to {_MOST}, or {UNLIMITED}.")
        return float(raw)

    def age(self, key: str, raw: Any, lowest: float, unlimited: bool) -> float:
        if unlimited and raw == UNLIMITED:
            return math.inf
        found = _AGE.fullmatch(str(raw)) if not isinstance(raw, bool) else None
        seconds = float(found[1]) * _SECONDS[found[2]] if found else -1.0
        if not lowest <= seconds <= _LONGEST:
            more = f", or {UNLIMITED}" if unlimited else ""
            raise self.wrong(key, raw, f"Give {lowest:g} seconds to 100 years, like 36000, 12h or 30d{more}.")
        return seconds

    def size(self, key: str, raw: Any) -> float:
        if raw == UNLIMITED:
            return math.inf
        found = _SIZE.fullmatch(str(raw)) if not isinstance(raw, bool) else None
        size = float(found[1]) * _BYTES[found[2]] if found else -1.0
        if not 2**20 <= size <= 2**60:
            raise self.wrong(key, raw, f"Give 1M or more, like 500M or 20G, or {UNLIMITED}.")
        return size
