# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cleanup of one host: look, decide, move away, look again, delete.

Nothing is deleted before it was moved to a tombstone, where nobody can begin to use it, and then was still
used by nobody. A run that is killed in between is gone on with by the next, which puts back what is in use.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FleetError, explained
from ..host.sharing import announce, neighbours
from ..journal.journal import Journal, LockHeld
from ..journal.record import Record
from ..release import manifest, tree
from ..release.locking import CACHE_LOCK, held
from ..release.standing import LOCKS
from ..release.tombs import Tombs, mounted_within, mounts
from ..retention.claims import failed
from ..retention.decide import Decision, claimed, decide
from ..retention.policy import Policies, Policy, merged
from ..retention.scene import Claim, Item, Scene, Use
from ..update.host import Host
from .ground import backups, check_ground
from .inventory import inventory
from .opened import Seen, opened
from .orphans import Orphan, end, find_orphans
from .uses import uses_of

Note = Callable[[str, str, str], None]
"""Told of each change: what was done (``deleted``, ``ended``), on what, and why."""

Lock = tuple[Path, str]
"""A server's: the folder of its host's state, and its name."""


@dataclass(frozen=True)
class Sight:
    """What one look found; ``buried`` are tombstones that are to be erased, ``back`` those to be put back."""

    scene: Scene
    decisions: tuple[Decision, ...]
    buried: tuple[Path, ...]
    back: tuple[Path, ...]
    foreign: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    records: tuple[Record, ...]
    servers: tuple[Lock, ...]


@dataclass
class Outcome:
    """What a cleanup did, or in check mode would do. ``freed`` has bytes by path (None: not known before);
    ``left`` what could not be deleted, and why."""

    sight: Sight
    orphans: list[tuple[Orphan, str]]
    freed: dict[str, int | None] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    done: bool = False

    @property
    def changed(self) -> bool:
        ends = any(what == ("ended" if self.done else "end") for _orphan, what in self.orphans)
        return bool(self.freed) or ends


class Cleaner:
    """Cleans one host up.

    :param wanted: ``identifier@version`` that the inventory defines, and for which server.
    :param note: where a record of each change is written.
    """

    def __init__(
        self,
        host: Host,
        policies: Policies,
        wanted: dict[str, str],
        note: Note = lambda what, target, why: None,
    ) -> None:
        self._host = host
        self._policies = policies
        self._wanted = wanted
        self._note = note
        self._places = {
            host.layout.releases: host.releases.tombs,
            **{
                path: Tombs(host.effects, path)
                for path in (host.layout.cache, host.layout.logs, backups(host.layout))
            },
        }

    def foresee(self) -> Outcome:
        """What ``clean`` would do; nothing is changed.

        :raises FleetError: when a folder is not the fleet's own, or something may not be read.
        """
        with explained("look at what may be deleted"):
            check_ground(self._host.layout)
            return self._foreseen(self._look(()))

    def clean(self, lock_timeout: float) -> Outcome:
        """Delete what may go.

        :param lock_timeout: seconds to wait for another cleanup of the same releases.
        :raises FleetError: as ``foresee``; then nothing was deleted.
        """
        host = self._host
        with explained("clean up"):
            check_ground(host.layout)
            announce(host.effects, host.layout, host.senses.now().wall)
            foreseen = self._foreseen(self._look(()))
            if not foreseen.changed and not foreseen.sight.back:
                foreseen.done = True
                return foreseen
            lock = host.layout.releases / LOCKS / "cleanup.lock"
            with held(host.effects, lock, lock_timeout, "clean up"):
                return self._clean(foreseen)

    def _clean(self, foreseen: Outcome) -> Outcome:
        with self._locks(foreseen.sight.servers) as ours:
            sight = self._look(ours)
            outcome = Outcome(sight, foreseen.orphans, warnings=list(sight.warnings), done=True)
            for tomb in sight.back:
                self._put_back(tomb, outcome)
            tombs = [*sight.buried, *self._bury(sight, outcome)]
            tombs = self._unused(tombs, sight, outcome)
        for tomb in tombs:
            self._erase(tomb, sight, outcome)
        outcome.orphans = [self._end(orphan, what, outcome) for orphan, what in foreseen.orphans]
        return outcome

    def _foreseen(self, sight: Sight) -> Outcome:
        orphans = find_orphans(self._host, sight.records, self._host.senses.now().wall)
        outcome = Outcome(
            sight, [(orphan, self._wish(orphan)) for orphan in orphans], warnings=list(sight.warnings)
        )
        everywhere = mounts()
        within = {
            root: frozenset(point for point in everywhere if point.startswith(f"{os.path.realpath(root)}/"))
            for root in self._places
        }
        for decision in sight.decisions:
            if decision.delete:
                points = within[self._root_of(decision.item.path)]
                mount = mounted_within(decision.item.path, points) if points else None
                if mount:
                    outcome.left.append((decision.item.path, f"{mount} is a mount"))
                else:
                    outcome.freed[decision.item.path] = decision.item.size
        for tomb in sight.buried:
            mount = mounted_within(str(tomb), everywhere)
            if mount:
                outcome.left.append((str(tomb), f"{mount} is a mount"))
            else:
                outcome.freed[str(tomb)] = None
        return outcome

    def _wish(self, orphan: Orphan) -> str:
        own = self._policies.servers.get(orphan.server, Policy())
        return merged([self._policies.fleet, own]).orphans or "report"

    def _look(self, ours: tuple[Lock, ...]) -> Sight:
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
        seen = opened([*self._places], [each.slots for each in layouts])
        stock = inventory(
            layout,
            host.releases,
            now,
            {name for record in records if (name := failed(record))},
            {f"{record.server}-{slot}" for record in found[0].records for slot in record.slots},
            measured=self._everyone().rule("cache").budget is not None,
            since=others.since,
        )
        scene = Scene(
            stock.items,
            records,
            (*uses, *stock.uses, *self._open(stock.items, seen, records)),
            self._wanted,
        )
        decisions, more = decide(scene, self._policies)
        buried, back = self._waiting(scene, seen)
        return Sight(
            scene,
            decisions,
            buried,
            back,
            stock.foreign,
            (*warnings, *more),
            found[0].records,
            tuple((each.state, server) for each, uses in zip(layouts, found) for server in uses.servers),
        )

    def _everyone(self) -> Policy:
        return merged([self._policies.fleet, *self._policies.servers.values()])

    def _root_of(self, path: str) -> Path:
        return next(root for root in self._places if path.startswith(f"{root}/"))

    def _open(self, items: tuple[Item, ...], seen: Seen, records: tuple[Record, ...]) -> Iterator[Use]:
        """What processes use; of one of a slot that does not show what it runs, all its server may run."""
        for item in items:
            root = self._root_of(item.path)
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

    def _waiting(self, scene: Scene, seen: Seen) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Tombstones that an earlier run left: to be erased, or put back because somebody uses them."""
        erase: list[Path] = []
        back: list[Path] = []
        for root, tombs in self._places.items():
            for tomb in tombs.waiting():
                (back if self._used(tomb, tombs, root, scene, seen) else erase).append(tomb)
        return tuple(erase), tuple(back)

    def _used(self, tomb: Path, tombs: Tombs, root: Path, scene: Scene, seen: Seen) -> bool:
        if root != self._host.layout.releases or not (tomb / manifest.NAME).is_file():
            # Its deletion had begun, or it is nothing that runs.
            return False
        origin = tombs.origin(tomb)
        relative = os.path.relpath(origin, root)
        below = (os.path.relpath(tomb, root), relative)
        item = Item("release", str(origin), os.path.dirname(relative), origin.name, None)
        return any(seen.user(root, path) for path in below) or claimed(scene, self._policies, item)

    @contextlib.contextmanager
    def _locks(self, servers: tuple[Lock, ...]) -> Iterator[tuple[Lock, ...]]:
        """Hold the locks of all servers that are free; what others are at work on is in use anyway."""
        ours = []
        with contextlib.ExitStack() as stack:
            for state, server in servers:
                with contextlib.suppress(LockHeld):
                    stack.enter_context(Journal(self._host.effects, state).lock(server, 0))
                    ours.append((state, server))
            yield tuple(ours)

    def _bury(self, sight: Sight, outcome: Outcome) -> list[Path]:
        tombs = []
        for decision in sight.decisions:
            if decision.delete:
                try:
                    tombs.append(self._bury_one(decision.item))
                except FleetError as error:
                    outcome.left.append((decision.item.path, error.came_back))
        return tombs

    def _bury_one(self, item: Item) -> Path:
        layout, path = self._host.layout, Path(item.path)
        root = self._root_of(item.path)
        if root == layout.releases:
            return self._host.releases.bury(item.group, path)
        if root == layout.cache:
            with held(self._host.effects, root / CACHE_LOCK, 0, f"remove {path}"):
                return self._places[root].bury(path)
        return self._places[root].bury(path)

    def _unused(self, tombs: list[Path], sight: Sight, outcome: Outcome) -> list[Path]:
        """Put back what somebody began to use before it was moved; after that nobody can."""
        seen = opened([*self._places], [])
        rest = []
        for tomb in tombs:
            root = tomb.parent.parent
            origin = self._places[root].origin(tomb)
            paths = (os.path.relpath(tomb, root), os.path.relpath(origin, root))
            if tomb not in sight.buried and any(seen.user(root, path) for path in paths):
                self._put_back(tomb, outcome)
            else:
                rest.append(tomb)
        return rest

    def _put_back(self, tomb: Path, outcome: Outcome) -> None:
        tombs = self._places[tomb.parent.parent]
        origin = tombs.origin(tomb)
        if tombs.restore(tomb):
            if (origin / manifest.NAME).is_file():
                tree.set_writable(self._host.effects, origin, False)
            outcome.left.append((str(origin), "it is in use, and was put back"))
        else:
            outcome.left.append((str(tomb), f"it is in use, and {origin} is there anew"))

    def _erase(self, tomb: Path, sight: Sight, outcome: Outcome) -> None:
        root = tomb.parent.parent
        tombs = self._places[root]
        path = str(tomb if tomb in sight.buried else tombs.origin(tomb))
        erased = tombs.erase(tomb, manifest.NAME if root == self._host.layout.releases else "")
        outcome.left += erased.left
        if erased.removed:
            outcome.freed[path] = erased.size
            why = next((each.why for each in sight.decisions if each.item.path == path), "begun before")
            self._note("deleted", path, why)

    def _end(self, orphan: Orphan, what: str, outcome: Outcome) -> tuple[Orphan, str]:
        if what != "end":
            return orphan, what

        def still() -> bool:
            found = find_orphans(self._host, outcome.sight.records, self._host.senses.now().wall)
            return any(each.identity == orphan.identity for each in found)

        try:
            if not end(self._host, orphan, still):
                return orphan, "gone"
        except FleetError as error:
            outcome.warnings.append(str(error))
            return orphan, "left"
        self._note("ended", f"process {orphan.identity.pid} of {orphan.server}/{orphan.slot}", orphan.why)
        return orphan, "ended"


def _digests(record: Record) -> set[str]:
    return {deployment.release for deployment in record.slots.values()} - {""}
