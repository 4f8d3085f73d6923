# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a host: what is there, who uses it, what may go, and what an earlier cleanup left."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..host.sharing import neighbours
from ..journal.record import Record
from ..protection.rules import Rules
from ..release import manifest
from ..retention.claims import failed
from ..retention.decide import Decision, claimed, decide
from ..retention.policy import Policies, Policy, merged
from ..retention.scene import Claim, Item, Scene, Use
from ..update.host import Host
from .allowed import Allowed
from .inventory import inventory
from .opened import Seen, opened
from .places import Places
from .uses import uses_of

Lock = tuple[Path, str]
"""A server's: the folder of its host's state, and its name."""


@dataclass(frozen=True)
class Sight:
    """What one look found; ``buried`` are tombstones that are to be erased, ``back`` those to be put back,
    ``held`` those that may not be erased now, and why. ``records`` are the host's own."""

    scene: Scene
    decisions: tuple[Decision, ...]
    buried: tuple[Path, ...]
    back: tuple[Path, ...]
    held: tuple[tuple[str, str], ...]
    foreign: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    records: tuple[Record, ...]
    servers: tuple[Lock, ...]
    allowed: Allowed


class Looker:
    """Looks at one host; changes nothing.

    :param wanted: ``identifier@version`` that the inventory defines, and for which server.
    """

    def __init__(
        self, host: Host, places: Places, policies: Policies, wanted: dict[str, str], rules: Rules
    ) -> None:
        self._host = host
        self._places = places
        self._policies = policies
        self._wanted = wanted
        self._rules = rules

    def look(self, ours: tuple[Lock, ...] | None) -> Sight:
        """Look at it.

        :param ours: server locks that we hold ourselves; None: before we have tried to get them.
        """
        host, layout = self._host, self._host.layout
        now = host.senses.now().wall
        others = neighbours(layout, now)
        layouts = (layout, *others.layouts)
        found = [uses_of(each, layout.releases, ours) for each in layouts]
        records = tuple(record for each in found for record in each.records)
        uses = [use for each in found for use in each.uses]
        warnings = [text for each in found for text in each.warnings]
        for word, why in others.lost:
            uses.append(Use(Claim("unknown", f"a host that shares this folder cannot be read ({word})")))
            warnings.append(
                f"No release is deleted: a host that shares {layout.releases} cannot be read ({why})."
                f" If it is gone for good, remove {word}."
            )
        seen = opened(self._places.roots(), [each.slots for each in layouts])
        stock = inventory(
            layout,
            host.releases,
            now,
            {name for record in records if (name := failed(record))},
            {f"{record.server}-{slot}" for record in found[0].records for slot in record.slots},
            measured=0 < self._everyone().rule("cache").limits[1] < math.inf,
            since=others.since,
        )
        scene = Scene(
            stock.items,
            records,
            (*uses, *stock.uses, *self._open(stock.items, seen, records)),
            self._wanted,
        )
        decisions, more = decide(scene, self._policies)
        allowed = Allowed(records, self._policies, self._rules, now)
        checked = allowed.checked(decisions)
        lose = [each.item for each, after in zip(decisions, checked) if each.delete and not after.delete]
        buried, back, held = self._waiting(scene, seen, allowed, lose)
        return Sight(
            scene,
            checked,
            buried,
            back,
            held,
            stock.foreign,
            (*warnings, *more, *allowed.advice(owner for item in lose for owner in allowed.owners(item))),
            found[0].records,
            tuple((each.state, server) for each, uses in zip(layouts, found) for server in uses.servers),
            allowed,
        )

    def _everyone(self) -> Policy:
        return merged([self._policies.fleet, *self._policies.servers.values()])

    def _open(self, items: tuple[Item, ...], seen: Seen, records: tuple[Record, ...]) -> Iterator[Use]:
        """What processes use; of one of a slot that does not show what it runs, all its server may run."""
        for item in items:
            root = self._places.root_of(item.path)
            user = seen.user(root, os.path.relpath(item.path, root))
            if user is not None:
                yield Use(Claim("open", f"process {user} uses it"), path=item.path)
        groups = {
            record.server: {item.group for item in items if item.digest in _digests(record)}
            for record in records
        }
        for pid, _home, name in seen.marked:
            claim = Claim("open", f"process {pid} of {name} may use it")
            yield from [Use(claim, group=group) for group in groups.get(name.partition("/")[0], ())] or [
                Use(claim)
            ]

    def _waiting(
        self, scene: Scene, seen: Seen, allowed: Allowed, lose: list[Item]
    ) -> tuple[tuple[Path, ...], tuple[Path, ...], tuple[tuple[str, str], ...]]:
        """Tombstones that an earlier run left: to be erased, put back because somebody uses them, or left
        for now (``lose`` gets what they are)."""
        erase, back, held = [], [], []
        for root, tomb in self._places.waiting():
            item = self._places.buried(root, tomb)
            keeps = allowed.held(allowed.owners(item))
            if self._used(tomb, item, root, scene, seen):
                back.append(tomb)
            elif keeps:
                held.append((str(tomb), keeps[1]))
                lose.append(item)
            else:
                erase.append(tomb)
        return tuple(erase), tuple(back), tuple(held)

    def _used(self, tomb: Path, item: Item, root: Path, scene: Scene, seen: Seen) -> bool:
        if root != self._host.layout.releases or not (tomb / manifest.NAME).is_file():
            # Its deletion had begun, or it is nothing that runs.
            return False
        below = (os.path.relpath(tomb, root), os.path.relpath(item.path, root))
        return any(seen.user(root, path) for path in below) or claimed(scene, self._policies, item)


def _digests(record: Record) -> set[str]:
    return {deployment.release for deployment in record.slots.values()} - {""}
