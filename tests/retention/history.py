# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One random history: an operator at work on a host, as the journals of the fleet record it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.journal.moment import Moment
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.record import (
    Deployment,
    Record,
    Result,
    Transaction,
    other,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.decide import decide
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.parse import parse_policies
from ansible_collections.mcpops.fleet.plugins.module_utils.retention.scene import Claim, Item, Scene, Use

from .model import Model, Service

SERVERS = {"one": "pypi/apple", "two": "pypi/pear", "three": "pypi/pear"}
"""Servers and their packages; two servers share one."""

HOURS = (0.1, 1, 20, 100, 800, 3000)


@dataclass
class Tally:
    """What was seen in all histories."""

    histories: int = 0
    cleanups: int = 0
    deleted: int = 0
    wrong: list[str] = field(default_factory=list)


class History:
    """Begins with nothing; ``step`` does one random thing, to the records and to the model alike."""

    def __init__(self, seed: int, tally: Tally) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._tally = tally
        self._records: dict[str, Record] = {}
        self._model = Model()
        self._size: dict[str, int] = {}
        self._count = 0

    def run(self, steps: int) -> None:
        """So many things, and then a cleanup that keeps as little as can be asked for."""
        self._tally.histories += 1
        doings: tuple[Callable[[], None], ...] = (
            *[self._update] * 8, self._cut_off, self._fail, self._go_on, self._go_on, self._roll_back,
            self._remove, self._pin, self._open, self._mention, self._lock, self._lose,
            self._wait, self._wait, self._clean,
        )  # fmt: skip
        for _step in range(steps):
            self._random.choice(doings)()
        self._clean(_least())

    def _install(self, server: str) -> tuple[str, Deployment]:
        """An installed release of the server's package: one that is there, or a new one."""
        package = SERVERS[server]
        there = [path for path, of in self._model.packages.items() if of == package]
        if there and self._random.random() < 0.3:
            path = self._random.choice(there)
        else:
            self._count += 1
            path = f"/r/{package}/1.{self._count}-{self._count:012x}"
            self._model.installed[path] = self._model.now
            self._model.packages[path] = package
            self._model.names[path] = f"{package.partition('/')[2]}@1.{self._count}"
            self._size[path] = self._random.randrange(1, 100) * 2**20
        registry, identifier = package.split("/")
        version = self._model.names[path].partition("@")[2]
        return path, Deployment(registry, identifier, version, _digest(path), path, {}, "")

    def _begin(self, server: str) -> bool:
        """Stage an update, as the fleet does. False: one is under way, or the journal is lost."""
        record = self._records.get(server, Record(server))
        service = self._model.services.setdefault(server, Service(SERVERS[server]))
        if record.transaction or service.lost:
            return False
        path, deployment = self._install(server)
        origin = record.active
        target = other(origin) if origin else "blue"
        displaced = record.slots.get(target) if record.previous == target else None
        self._records[server] = replace(
            record,
            slots={**record.slots, target: deployment},
            previous=None if record.previous == target else record.previous,
            transaction=Transaction(
                "update", origin, target, 1, self._moment(), "staged", displaced=displaced
            ),
        )
        service.trying, service.left = path, None
        service.spare, service.back = service.back, None
        return True

    def _settle(self, server: str) -> None:
        record, service = self._records[server], self._model.services[server]
        transaction = record.transaction
        assert transaction
        self._records[server] = replace(
            record, active=transaction.target, previous=transaction.origin, transaction=None
        )
        service.back, service.runs = service.runs, service.trying
        service.trying = service.spare = None

    def _undo(self, server: str) -> None:
        record, service = self._records[server], self._model.services[server]
        transaction = record.transaction
        assert transaction
        slots = {slot: held for slot, held in record.slots.items() if slot != transaction.target}
        failed = record.slots[transaction.target].package
        previous = record.previous
        if transaction.displaced:
            slots[transaction.target], previous = transaction.displaced, transaction.target
        last = Result("update", "undone", failed, None, self._moment())
        self._records[server] = replace(record, slots=slots, previous=previous, transaction=None, last=last)
        service.back, service.trying, service.spare = service.spare, None, None

    def _update(self) -> None:
        server = self._any_server()
        if self._begin(server):
            self._settle(server)

    def _cut_off(self) -> None:
        self._begin(self._any_server())

    def _fail(self) -> None:
        server = self._any_server()
        if self._begin(server):
            self._undo(server)

    def _go_on(self) -> None:
        for server, record in list(self._records.items()):
            if record.transaction and not self._model.services[server].lost:
                self._random.choice((self._settle, self._undo))(server)

    def _roll_back(self) -> None:
        server = self._any_server()
        record, service = self._records.get(server), self._model.services.get(server)
        if record and service and record.previous and not record.transaction and not service.lost:
            self._records[server] = replace(record, active=record.previous, previous=None)
            service.left, service.runs, service.back = service.runs, service.back, None

    def _remove(self) -> None:
        server = self._any_server()
        if self._random.random() < 0.2 and server in self._records:
            del self._records[server], self._model.services[server]

    def _pin(self) -> None:
        self._toggle(self._model.pinned, list(self._model.names.values()))

    def _open(self) -> None:
        self._toggle(self._model.opened, list(self._model.installed))

    def _mention(self) -> None:
        self._toggle(self._model.mentioned, list(self._model.installed))

    def _lock(self) -> None:
        self._toggle(self._model.busy, list(SERVERS.values()))

    def _lose(self) -> None:
        service = self._model.services.get(self._any_server())
        if service:
            service.lost = not service.lost and self._random.random() < 0.5

    def _wait(self) -> None:
        self._model.now += self._random.choice(HOURS) * 3600

    def _toggle(self, chosen: set[str], among: list[str]) -> None:
        if among:
            chosen ^= {self._random.choice(among)}

    def _clean(self, raw: dict[str, Any] | None = None) -> None:
        """Decide by random policies, and delete what goes; note what should never have gone."""
        policies = {"first": raw or self._policy()}
        others = [] if raw else [self._policy() for _each in range(self._random.randrange(2))]
        servers = [self._wanted("one", policy) for policy in others]
        policies["pins"] = {"pin": sorted(self._model.pinned)}
        merged, _wanted = parse_policies(policies, servers)
        scene = self._scene()
        decisions, _warnings = decide(scene, merged)
        gone = {decision.item.path for decision in decisions if decision.delete}
        self._tally.cleanups += 1
        self._tally.deleted += len(gone)
        least = merged.fleet.rule("release").min_age
        for path in sorted(gone & self._model.untouchable(least)):
            self._wrong(f"{path} was deleted by {policies}")
        if raw:
            for path in sorted(self._model.installed.keys() - gone - self._model.untouchable(0)):
                self._wrong(f"{path} was kept, and nothing needs it")
        for path in gone:
            for known in (self._model.installed, self._model.packages, self._model.names, self._size):
                del known[path]
            for chosen in (self._model.opened, self._model.mentioned):
                chosen.discard(path)

    def _wanted(self, server: str, policy: dict[str, Any]) -> dict[str, Any]:
        registry, identifier = SERVERS[server].split("/")
        package = {"registry_type": registry, "identifier": identifier, "version": "0"}
        return {"name": server, "package": package, "retention": policy}

    def _policy(self) -> dict[str, Any]:
        draw = self._random.choice
        rule: dict[str, Any] = {
            "keep": draw((0, 1, 3)),
            "min_age": draw((0, "1h", "2d")),
            "max_age": draw(("1m", "1h", "30d", "unlimited")),
            "budget": draw(("1M", "50M", "unlimited")),
        }
        parts = {part: value for part, value in rule.items() if self._random.random() < 0.7}
        preset = draw((None, "conservative", "standard", "aggressive"))
        quarantine = draw((False, parts))
        return {**({"preset": preset} if preset else {}), "release": parts, "quarantine": quarantine}

    def _scene(self) -> Scene:
        """What a look at the host would find."""
        items, uses = [], []
        evidence = {record.last.source for record in self._records.values() if record.last}
        for path, at in self._model.installed.items():
            name = self._model.names[path]
            kind = "quarantine" if name in evidence else "release"
            age = self._model.now - at
            group = self._model.packages[path]
            items.append(Item(kind, path, group, name, age, self._size[path], _digest(path)))
        uses += [Use(Claim("open", "a process"), path=path) for path in self._model.opened]
        uses += [Use(Claim("referenced", "a unit"), path=path) for path in self._model.mentioned]
        uses += [Use(Claim("in flight", "a lock"), group=group) for group in self._model.busy]
        records = []
        for server, record in self._records.items():
            if self._model.services[server].lost:
                uses.append(Use(Claim("unknown", "no journal"), group=SERVERS[server]))
            else:
                records.append(record)
        self._random.shuffle(items)
        return Scene(tuple(items), tuple(records), tuple(uses))

    def _any_server(self) -> str:
        return self._random.choice(list(SERVERS))

    def _moment(self) -> Moment:
        return Moment(self._model.now, self._model.now, "boot")

    def _wrong(self, what: str) -> None:
        self._tally.wrong.append(f"history {self._seed}: {what}")


def _digest(path: str) -> str:
    return f"digest of {path}"


def _least() -> dict[str, Any]:
    rule = {"keep": 0, "min_age": 0}
    return {"preset": "aggressive", "release": rule, "quarantine": rule}
