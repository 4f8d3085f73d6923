# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes and what stays, and why: a function of values."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .claims import claims_of, owners_of
from .policy import KINDS, Policies, Policy, Rule, amount, contradictions, duration, merged
from .scene import CLAIMS, Claim, Item, Scene, Use

RELEASES = ("release", "quarantine", "staging")
"""Kinds that stand among the releases, and can be in somebody's use as one."""

LIMITS = ("budget", "max_age")
"""Rules by which something stays for now: it goes when the budget wants it."""

EVERYBODY = ("cache", "backup")
"""Kinds that are of no single server: all have a say in them."""


@dataclass(frozen=True)
class Decision:
    """``rule`` is the name of what decided: one of CLAIMS, or of a policy's parts; ``why`` a sentence."""

    item: Item
    delete: bool
    rule: str
    why: str


def decide(scene: Scene, policies: Policies) -> tuple[tuple[Decision, ...], tuple[str, ...]]:
    """One decision an item, in their order; and where the policies contradict themselves or what is there."""
    claims = _Claims(scene, policies)
    rules = _Rules(scene, policies)
    found: dict[str, Decision] = {}
    warnings = list(rules.warnings)
    for kind in KINDS:
        items = [item for item in scene.items if item.kind == kind]
        decided = _of_kind(items, claims, rules)
        warnings += _budget(kind, decided, rules)
        found.update({decision.item.path: decision for decision in decided})
    return tuple(found[item.path] for item in scene.items), tuple(dict.fromkeys(warnings))


def claimed(scene: Scene, policies: Policies, item: Item) -> bool:
    """Whether somebody needs an item, whatever its age."""
    return _Claims(scene, policies).decision(item) is not None


def _of_kind(items: Sequence[Item], claims: _Claims, rules: _Rules) -> list[Decision]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    decided = []
    for members in groups.values():
        policy = rules.of(members[0])
        # What is of unknown age counts as new.
        newest = sorted(members, key=lambda item: (item.age or 0.0, item.path))
        ranks = {item.path: rank for rank, item in enumerate(newest)}
        for item in members:
            decided.append(claims.decision(item) or _by_rule(item, policy, ranks[item.path]))
    return decided


def _by_rule(item: Item, policy: Policy, rank: int) -> Decision:
    rule = policy.rule(item.kind)
    stays = _stays(item, policy, rule, rank)
    if stays:
        return Decision(item, False, *stays)
    max_age, budget = rule.limits
    if not max_age:
        reason = f"not among the newest {rule.keep:g}" if rule.keep else "nothing needs it"
        aged = f", and older than {duration(rule.min_age)}" if rule.min_age else ""
        return Decision(item, True, "keep", f"{reason}{aged}")
    if (item.age or 0.0) > max_age:
        return Decision(item, True, "max_age", f"older than {duration(max_age)}")
    if max_age < math.inf:
        return Decision(item, False, "max_age", f"not older than {duration(max_age)}")
    return Decision(item, False, "budget", "within the budget" if budget < math.inf else "it has no limit")


def _stays(item: Item, policy: Policy, rule: Rule, rank: int) -> tuple[str, str] | None:
    """Why no limit of a rule touches an item."""
    if not rule.delete:
        return "policy", f"nothing of the kind {item.kind} is deleted"
    if item.age is None:
        return "min_age", "its age is not known"
    if item.age < rule.min_age:
        return "min_age", f"younger than {duration(rule.min_age)}"
    pattern = next((each for each in sorted(policy.patterns) if fnmatchcase(item.name, each)), None)
    if pattern is not None and item.kind in ("release", "quarantine"):
        return "pattern", f"{pattern} is kept"
    if rule.keep is None or rank < rule.keep:
        return "keep", "everything is kept" if rule.keep is None else f"among the newest {rule.keep:g}"
    return None


def _budget(kind: str, decided: list[Decision], rules: _Rules) -> list[str]:
    """Let go, in ``decided``, the oldest that may while there is more than the budget."""
    given = [rules.of(each.item).rule(kind) for each in decided]
    budget = max((rule.limits[1] or math.inf for rule in given if rule.delete), default=math.inf)
    total = sum(each.item.size or 0 for each in decided if not each.delete)
    rest = [number for number, each in enumerate(decided) if not each.delete and each.rule in LIMITS]
    for number in sorted(rest, key=lambda number: -(decided[number].item.age or 0.0)):
        if total <= budget:
            break
        item = decided[number].item
        decided[number] = Decision(item, True, "budget", f"the oldest above the budget of {amount(budget)}")
        total -= item.size or 0
    if total <= budget:
        return []
    return [
        f"{kind}: {amount(total)} stay, which is above the budget of {amount(budget)}; what else is asked"
        " for keeps them, and holds"
    ]


class _Rules:
    """The policy of each group of items, merged from all that have a say in it."""

    def __init__(self, scene: Scene, policies: Policies) -> None:
        self._policies = policies
        # A server's own name is the group of its logs.
        logs = {record.server: {record.server} for record in scene.records}
        self._servers = {**owners_of(scene.records, policies.packages), **logs}
        self._known: dict[str, Policy] = {}
        everyone = (policies.fleet, *policies.servers.values())
        self.warnings = [*policies.warnings, *contradictions(merged(everyone))]
        for name, policy in (("", policies.fleet), *sorted(policies.servers.items())):
            self.warnings += [f"{name}: {each}" if name else each for each in contradictions(policy)]

    def of(self, item: Item) -> Policy:
        """The policy of the group of an item."""
        group = "" if item.kind in EVERYBODY else item.group
        if group not in self._known:
            of_servers = self._policies.servers
            names = self._servers.get(group, set()) if group else set(of_servers)
            own = [of_servers[name] for name in sorted(names) if name in of_servers]
            self._known[group] = merged([self._policies.fleet, *own])
        return self._known[group]


class _Claims:
    """Who needs what."""

    def __init__(self, scene: Scene, policies: Policies) -> None:
        self._paths: dict[str, list[Claim]] = defaultdict(list)
        self._digests: dict[str, list[Claim]] = defaultdict(list)
        self._groups: dict[str, list[Claim]] = defaultdict(list)
        self._all: list[Claim] = []
        self._names: dict[str, list[Claim]] = defaultdict(list)
        for record in scene.records:
            for deployment, claim in claims_of(record):
                self._paths[deployment.path].append(claim)
                if deployment.release:
                    self._digests[deployment.release].append(claim)
        for use in scene.uses:
            self._add(use)
        everyone = merged([policies.fleet, *policies.servers.values()])
        for name in everyone.pins:
            self._names[name].append(Claim("pinned", "it is pinned"))
        for name, server in scene.wanted.items():
            self._names[name].append(Claim("pinned", f"the inventory defines it for {server}"))

    def _add(self, use: Use) -> None:
        where = self._paths[use.path] if use.path else self._groups[use.group] if use.group else self._all
        where.append(use.claim)

    def decision(self, item: Item) -> Decision | None:
        """That an item stays, where somebody needs it."""
        claims = [*self._paths.get(item.path, ())]
        if item.kind in RELEASES:
            claims += self._digests.get(item.digest, ()) if item.digest else ()
            claims += self._names.get(item.name, ())
        if item.kind in (*RELEASES, "log"):
            claims += self._groups.get(item.group, ())
        if item.kind in RELEASES:
            claims += self._all
        if not claims:
            return None
        first = min(claims, key=lambda claim: CLAIMS.index(claim.kind))
        return Decision(item, False, first.kind, first.why)
