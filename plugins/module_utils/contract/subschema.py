# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one question about two schemas: does the second allow all that the first does?

A tool's input is safe to change when the new schema allows all that the old one did, its output when the old
one allows all that the new one does; both are this question. Answers are reasons against it. None means that
it is so for certain; where that is not certain, that is a reason too.

It is asked about what a schema describes: a name that it neither has nor allows on purpose
(additionalProperties) is not used by who goes by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .branches import Facts, branches, common, facts_of, lacking
from .document import Budget, Node, Unsure
from .instance import any_of, kind_of, opposite, valid
from .keywords import refusals
from .names import more_names
from .reason import Reason, unsure, values_reason

DEEPEST = 48
"""Schemas within schemas that are followed."""

MOST_REASONS = 50
"""Reasons of one answer that are kept: what refers to itself in several places has them without end."""

QUESTIONS = 10_000
"""Questions within one question."""

Nodes = tuple[Node, ...]


class TooMuch(Exception):
    """There is no budget for more."""


@dataclass
class Question:
    """One comparison of two schemas.

    :param names_of_first: whose names the other must have too: the first's (an argument must not get lost),
        or else the second's (a part of a result).
    """

    names_of_first: bool
    budget: Budget = field(default_factory=Budget)
    _asked: int = 0
    _known: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[Reason, ...]] = field(default_factory=dict)
    _open: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = field(default_factory=dict)
    _kept: list[tuple[Nodes, Nodes]] = field(default_factory=list)
    _assumed: int = DEEPEST + 1

    def ask(self, first: Sequence[Node], second: Sequence[Node]) -> tuple[Reason, ...]:
        """Reasons why the second does not allow all that the first does.

        The schemas of a list hold together.
        """
        try:
            return self.within(tuple(first), tuple(second))
        except TooMuch:
            return (unsure("cannot tell whether it allows the same: there is too much in it to compare"),)
        except RecursionError:
            return (unsure("cannot tell whether it allows the same: it is nested too deep to compare"),)

    def within(self, first: Nodes, second: Nodes) -> tuple[Reason, ...]:
        """The same, within the answer to another question.

        A question that is met again while it is being answered (a schema that refers to itself) is taken
        for a yes there: only something else can make it a no.
        """
        key = (tuple(id(node.schema) for node in first), tuple(id(node.schema) for node in second))
        if key in self._known:
            return self._known[key]
        if key in self._open:
            self._assumed = min(self._assumed, self._open[key])
            return ()
        if len(first) == len(second) == 1 and first[0].same(second[0]):
            return ()
        depth = len(self._open)
        if depth >= DEEPEST:
            return (unsure(f"cannot tell whether it allows the same: it is nested deeper than {DEEPEST}"),)
        self._count()
        self._open[key] = depth
        self._kept.append((first, second))
        outer, self._assumed = self._assumed, DEEPEST + 1
        try:
            found = self._decide(first, second)[:MOST_REASONS]
        except Unsure as doubt:
            found = (unsure(str(doubt)),)
        finally:
            del self._open[key]
        # A yes that rests on an assumption about a question further out may only be kept with its answer.
        if found or self._assumed >= depth:
            self._known[key] = found
        self._assumed = min(outer, self._assumed) if self._assumed < depth else outer
        return found

    def _count(self) -> None:
        self._asked += 1
        if not self.budget.spend() or self._asked > QUESTIONS:
            raise TooMuch

    def _decide(self, first: Nodes, second: Nodes) -> tuple[Reason, ...]:
        # A result that is described without names may have any; a tool that is has no arguments.
        inner = len(self._open) > 1 or not self.names_of_first
        left = [facts_of(branch, inner) for branch in branches(first)]
        right = [facts_of(branch, inner) for branch in branches(second)]
        left = [facts for facts in left if not facts.impossible]
        right = [facts for facts in right if not facts.impossible]
        if left and not right:
            return (Reason("nothing"),)
        left = [more_names(facts, left, self.budget) for facts in left]
        types, allowed = _all_types(left), _all_types(right)
        lost = lacking(types, allowed)
        found = {Reason("type", _types(types), _types(allowed)): None} if lost else {}
        for facts in left:
            rest = facts if not lost else _only(facts, facts.types - lost)
            if not rest.impossible:
                found.update(dict.fromkeys(self._covered(rest, right, second)))
        return tuple(found)

    def _covered(self, facts: Facts, right: list[Facts], second: Nodes) -> tuple[Reason, ...]:
        """Whether the alternatives on the right allow together what one on the left does."""
        if facts.values is not None:
            return self._counted(facts, second)
        best = self._best(facts, right)
        if best and len(right) > 1 and len(facts.types) > 1:
            return tuple(
                reason
                for kind in sorted(facts.types)
                for reason in self._best(_only(facts, frozenset({kind})), right)
            )
        return best

    def _best(self, facts: Facts, right: list[Facts]) -> tuple[Reason, ...]:
        """No reason, where one alternative allows all of it; else the reasons of the closest."""
        attempts: list[tuple[Reason, ...]] = []
        for other in right:
            if not lacking(facts.types, other.types):
                reasons = self._part(facts, other)
                if not reasons:
                    return ()
                attempts.append(reasons)
        if not attempts:
            other = max(right, key=lambda each: len(common(each.types, facts.types)))
            return (Reason("type", _types(facts.types), _types(other.types)),)
        return min(attempts, key=len)

    def _part(self, facts: Facts, other: Facts) -> tuple[Reason, ...]:
        self._count()
        found = refusals(self, facts, other)
        if not found and not all(self._disjoint(facts, schema) for schema in other.branch.besides):
            found = [unsure("cannot tell whether just one alternative of oneOf allows it")]
        return tuple(found)

    def _counted(self, facts: Facts, second: Nodes) -> tuple[Reason, ...]:
        """The values can be tried one by one."""
        lost, doubtful = [], []
        for value in (value for value in facts.values or () if kind_of(value) in facts.types):
            verdict = opposite(any_of(opposite(valid(value, node)) for node in second))
            if verdict is False:
                lost.append(value)
            elif verdict is None:
                doubtful.append(value)
        reasons = [values_reason("values", lost)] if lost else []
        if doubtful:
            reasons += [unsure(f"cannot tell whether {len(doubtful)} of its values are allowed")]
        return tuple(reasons)

    def _disjoint(self, facts: Facts, node: Node) -> bool:
        """Whether a schema allows nothing of what a branch does, for certain."""
        if not self.budget.spend():
            raise TooMuch
        try:
            others = [facts_of(branch) for branch in branches((node,))]
            return all(self._apart(facts, other) for other in others)
        except Unsure:
            return False

    def _apart(self, facts: Facts, other: Facts) -> bool:
        if other.impossible or not common(facts.types, other.types):
            return True
        if facts.values is not None:
            return all(
                any(valid(value, part) is False for part in other.branch.parts) for value in facts.values
            )
        if facts.types | {"object"} != {"object"}:
            return False
        for name in facts.required | other.required:
            mine, its = facts.member(name), other.member(name)
            if mine is None and name in other.required:
                if facts.open:
                    continue
                return True
            if mine is None or its is None or name not in facts.required:
                continue
            kinds = [facts_of(branch) for branch in branches(mine)]
            if all(
                kind.values is not None and all(any(valid(v, n) is False for n in its) for v in kind.values)
                for kind in kinds
            ):
                return True
        return False


def _only(facts: Facts, types: frozenset[str]) -> Facts:
    return replace(facts, types=types)


def _all_types(several: Sequence[Facts]) -> frozenset[str]:
    return frozenset[str]().union(*(facts.types for facts in several))


def _types(types: frozenset[str]) -> str:
    """``integer or null``."""
    names = set(types)
    if {"integer", "fraction"} <= names:
        names = names - {"integer", "fraction"} | {"number"}
    if len(names) >= 6:
        return "anything"
    return " or ".join(sorted(names)) or "nothing"
