# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long things are kept: rules for each kind, presets, and how several policies become one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Union

KINDS = ("release", "staging", "quarantine", "log", "cache", "backup")
"""``release``: an installed package version. ``staging``: what an installation or removal left unfinished.
``quarantine``: a release that an update went back from, or that is damaged. ``log``: a server's log that was
turned over, or is of no slot. ``cache``: one tool's packages. ``backup``: an archive of the fleet's state."""

HOUR, DAY, GIB = 3600.0, 86400.0, 2**30

Limit = Union[float, None]
"""A number, or None for none: nothing is ever above it."""


@dataclass(frozen=True)
class Rule:
    """One kind's: the newest ``keep`` of each group and what is younger than ``min_age`` s always stay.

    Of the rest goes what is older than ``max_age`` s, and the oldest while all of the kind together have more
    than ``budget`` bytes; with neither of the two all of the rest. ``keep`` None: everything stays. A limit
    that somebody calls unlimited is infinite.
    """

    delete: bool = False
    keep: Limit = None
    min_age: float = 7 * DAY
    max_age: Limit = None
    budget: Limit = None

    @property
    def limits(self) -> tuple[float, float]:
        """``max_age`` and ``budget`` as numbers that compare: none is infinite, none of both is nothing."""
        if self.max_age is None and self.budget is None:
            return 0.0, 0.0
        return (
            math.inf if self.max_age is None else self.max_age,
            math.inf if self.budget is None else self.budget,
        )


PRESETS: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "conservative": {
            "release": Rule(True, 5, 7 * DAY, 90 * DAY),
            "staging": Rule(True, 0, DAY),
            "quarantine": Rule(),
            "log": Rule(),
            "cache": Rule(),
            "backup": Rule(),
        },
        "standard": {
            "release": Rule(True, 3, 2 * DAY, 30 * DAY, 20 * GIB),
            "staging": Rule(True, 0, 6 * HOUR),
            "quarantine": Rule(True, 1, 14 * DAY, 30 * DAY),
            "log": Rule(True, 0, 7 * DAY, 30 * DAY),
            "cache": Rule(True, 0, 7 * DAY, 30 * DAY),
            "backup": Rule(True, 14, 14 * DAY, 90 * DAY),
        },
        "aggressive": {
            "release": Rule(True, 1, HOUR),
            "staging": Rule(True, 0, HOUR),
            "quarantine": Rule(True, 0, DAY),
            "log": Rule(True, 0, DAY),
            "cache": Rule(True, 0, DAY),
            "backup": Rule(True, 3, 2 * DAY, 14 * DAY),
        },
    }
)
DEFAULT = "conservative"

ORPHANS = ("report", "end")


@dataclass(frozen=True)
class Policy:
    """What somebody wants kept. ``given`` has for each kind the parts of its rule that were written down,
    a preset's among them; ``pins`` are ``identifier@version``, ``patterns`` match such names."""

    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    pins: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    orphans: str | None = None

    def rule(self, kind: str) -> Rule:
        """A kind's rule; what nobody wrote down is the default preset's."""
        return replace(PRESETS[DEFAULT][kind], **dict(self.given.get(kind, {})))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Policies:
    """The fleet's policy, and what owners of single servers want; a package has those of all its servers."""

    fleet: Policy = field(default_factory=Policy)
    servers: Mapping[str, Policy] = field(default_factory=dict)
    packages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Servers of each package (as a group of items) by the inventory; records say more."""

    protected: frozenset[str] = frozenset()
    """Servers that the inventory protects; records say more."""

    warnings: tuple[str, ...] = ()
    """Where two of them contradict each other."""


def of_preset(name: str) -> dict[str, dict[str, object]]:
    """All parts of all rules of a preset."""
    return {
        kind: {part.name: getattr(rule, part.name) for part in fields(Rule)}
        for kind, rule in PRESETS[name].items()
    }


def merged(policies: Iterable[Policy]) -> Policy:
    """The policy that keeps all that any of them keeps."""
    policies = list(policies)
    given: dict[str, dict[str, object]] = {}
    for kind in KINDS:
        for policy in policies:
            for part, value in _comparable(kind, policy).items():
                ours = given.setdefault(kind, {})
                ours[part] = _more(part, ours[part], value) if part in ours else value
    wishes = {policy.orphans for policy in policies} - {None}
    return Policy(
        given,
        frozenset().union(*(policy.pins for policy in policies)),
        frozenset().union(*(policy.patterns for policy in policies)),
        "report" if "report" in wishes else next(iter(wishes), None),
    )


def _comparable(kind: str, policy: Policy) -> Mapping[str, object]:
    """What a policy gives of a rule. Its two limits count together: with one alone the other is what the
    default says, for the policy would let nothing go by it if there were no other."""
    given = policy.given.get(kind, {})
    if not {"max_age", "budget"} & given.keys():
        return given
    max_age, budget = policy.rule(kind).limits
    return {**given, "max_age": max_age, "budget": budget}


def completed(policy: Policy) -> Policy:
    """A policy with the default preset's parts for those that it does not give: so another cannot undercut
    what it leaves unsaid."""
    default = of_preset(DEFAULT)
    given = {kind: {**default[kind], **policy.given.get(kind, {})} for kind in KINDS}
    return replace(policy, given=given)


def contradictions(policy: Policy) -> list[str]:
    """Where a policy asks for two things that cannot both be, and which of them holds."""
    found = []
    for kind in KINDS:
        rule = policy.rule(kind)
        if rule.delete and rule.max_age and rule.max_age < rule.min_age:
            found.append(
                f"{kind}: max_age ({duration(rule.max_age)}) is below min_age ({duration(rule.min_age)});"
                " min_age holds, which keeps more"
            )
    return found


def _more(part: str, one: object, other: object) -> object:
    """Of two values of a part of a rule the one that keeps more."""
    if part == "delete":
        return bool(one) and bool(other)
    if one is None or other is None:
        return None  # of keep: everything stays
    return max(float(str(one)), float(str(other)))


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.0f} s"


def amount(count: float) -> str:
    """Bytes as people say them."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return f"{count:.0f} B"
