# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the edge's map files say, as values.

Three maps, each one concern: ``routes`` (public path -> server), ``active`` (server -> generation that
gets new clients) and ``generations`` (server/generation -> where its slot listens). A switch is a change
of one entry of ``active``; an entry of ``generations`` may stand before and after without any effect on
new clients, so that a crash between two files leaves nothing half-switched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

NAMES = ("generations", "active", "routes")
"""The maps in the order in which additions become visible."""


@dataclass(frozen=True)
class Target:
    """Where a slot listens: an IP address, a TCP port and the path of its MCP endpoint."""

    address: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{self.address}|{self.port}|{self.path}"

    @classmethod
    def parse(cls, text: str) -> Target:
        address, port, path = text.split("|", 2)
        return cls(address, int(port), path)


@dataclass(frozen=True)
class Maps:
    """All entries of the three maps."""

    routes: Mapping[str, str] = field(default_factory=dict)
    active: Mapping[str, int] = field(default_factory=dict)
    generations: Mapping[tuple[str, int], Target] = field(default_factory=dict)

    def of(self, server: str) -> ServerMaps:
        """The part that concerns one server."""
        return ServerMaps(
            routes=tuple(sorted(path for path, owner in self.routes.items() if owner == server)),
            active=self.active.get(server),
            generations={
                number: target for (name, number), target in self.generations.items() if name == server
            },
        )

    def with_server(self, server: str, part: ServerMaps) -> Maps:
        """The same maps with one server's part replaced."""
        return replace(
            self,
            routes={path: owner for path, owner in self.routes.items() if owner != server}
            | dict.fromkeys(part.routes, server),
            active={name: number for name, number in self.active.items() if name != server}
            | ({} if part.active is None else {server: part.active}),
            generations={key: target for key, target in self.generations.items() if key[0] != server}
            | {(server, number): target for number, target in part.generations.items()},
        )

    def entries(self, name: str) -> dict[str, str]:
        """The entries of one map as HAProxy holds them."""
        if name == "routes":
            return dict(self.routes)
        if name == "active":
            return {server: f"g{number}" for server, number in self.active.items()}
        return {f"{server}/g{number}": str(target) for (server, number), target in self.generations.items()}

    @classmethod
    def from_entries(cls, entries: Mapping[str, Mapping[str, str]]) -> Maps:
        """The reverse of ``entries``; raises ValueError on an entry that is not ours."""
        return cls(
            routes=dict(entries["routes"]),
            active=dict(_active(*entry) for entry in entries["active"].items()),
            generations=dict(_generation(*entry) for entry in entries["generations"].items()),
        )

    @classmethod
    def ours(cls, entries: Mapping[str, Mapping[str, str]]) -> Maps:
        """As ``from_entries``, but without the entries that are not ours."""
        readers = {"active": _active, "generations": _generation}
        kept = {
            name: {key: value for key, value in entries[name].items() if _readable(reader, key, value)}
            for name, reader in readers.items()
        }
        return cls.from_entries({**entries, **kept})


@dataclass(frozen=True)
class ServerMaps:
    """One server at the edge: its public paths, its active generation, where each generation listens."""

    routes: tuple[str, ...] = ()
    active: int | None = None
    generations: Mapping[int, Target] = field(default_factory=dict)


def _active(server: str, tag: str) -> tuple[str, int]:
    if not tag.startswith("g"):
        raise ValueError(f"{tag!r} is no generation")
    return server, int(tag[1:])


def _generation(key: str, target: str) -> tuple[tuple[str, int], Target]:
    server, tag = key.rsplit("/g", 1)
    return (server, int(tag)), Target.parse(target)


def _readable(reader: Callable[[str, str], object], key: str, value: str) -> bool:
    try:
        reader(key, value)
    except ValueError:
        return False
    return True


def render(entries: Mapping[str, str]) -> bytes:
    """A map file's content: sorted, so that equal maps are equal files."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items())).encode()


def parse(text: str) -> dict[str, str]:
    """Entries of a map file; comments and blank lines are passed over."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
