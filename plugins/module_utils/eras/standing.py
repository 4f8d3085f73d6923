# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet serves, what its clients use, and what keeps each server from serving the modern era alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MODERN, LEGACY = "modern", "legacy"

COLUMNS = (
    "server",
    "host",
    "version",
    "serves",
    "legacy used",
    "modern used",
    "watched since",
    "blocks modern",
)


@dataclass(frozen=True)
class Standing:
    """One server on one host. ``used`` has for each era when it was last used, and how often within ``days``;
    ``since`` is from when on every use is known; ``blocks`` what keeps clients from the modern era (None:
    nothing)."""

    server: str
    host: str
    version: str | None
    serves: Sequence[str]
    used: Mapping[str, Mapping[str, Any]]
    since: str | None
    days: float
    problem: str | None
    blocks: str | None

    def row(self) -> tuple[str, ...]:
        """As COLUMNS has it."""
        return (
            self.server,
            self.host,
            self.version or "–",
            "dual" if len(self.serves) == 2 else "".join(self.serves) or "–",
            self._use(LEGACY),
            self._use(MODERN),
            self.since or "–",
            self.blocks or "nothing",
        )

    def _use(self, era: str) -> str:
        use = self.used.get(era)
        if self.since is None:
            return "not counted"
        if use is None:
            return "never seen"
        begun = f", {use['sessions']} sessions" if era == LEGACY else ""
        return f"{use['last']} ({use['requests']} requests{begun} in {self.days:g} days)"


def standings(found: Mapping[str, Mapping[str, Any]]) -> list[Standing]:
    """From what ``mcp_server_info`` gave on each host; one that gave nothing has an entry that says so."""
    modern = _modern_versions(found)
    entries = []
    for host, answer in found.items():
        if "servers" not in answer:
            problem = str(answer.get("msg") or "it could not be reached")
            entries.append(Standing("–", host, None, (), {}, None, 0, problem, f"not known: {problem}"))
        entries += [_standing(host, server, modern) for server in answer.get("servers", ())]
    return sorted(entries, key=lambda entry: (entry.server, entry.host))


def to_json(entries: Sequence[Standing]) -> list[dict[str, Any]]:
    """For programs."""
    return [asdict(entry) for entry in entries]


def _standing(host: str, server: Mapping[str, Any], modern: Mapping[str, Sequence[str]]) -> Standing:
    active, known = server.get("active") or {}, server.get("eras_in_use") or {}
    serves = tuple(active.get("eras") or ())
    return Standing(
        server=str(server["server"]),
        host=host,
        version=active.get("version"),
        serves=serves,
        # Ansible gives mappings that are filled while one reads them, and that cannot be copied as they are.
        used={era: dict(use.items()) for era, use in (known.get("eras") or {}).items()},
        since=known.get("since"),
        days=float(known.get("days") or 0),
        problem=known.get("problem"),
        blocks=_blocks(active, serves, known, modern),
    )


def _blocks(
    active: Mapping[str, Any],
    serves: Sequence[str],
    known: Mapping[str, Any],
    modern: Mapping[str, Sequence[str]],
) -> str | None:
    if not active:
        return "it does not serve"
    if MODERN not in serves:
        others = modern.get(_identifier(active), ())
        return "it serves only legacy; " + (
            f"{', '.join(others)} serves modern" if others else "no version that runs here serves modern"
        )
    if LEGACY not in serves:
        return None
    if known.get("since") is None:
        return f"whether clients use legacy is not known: {known.get('problem')}"
    in_use = ((known.get("eras") or {}).get(LEGACY) or {}).get(
        "in_use", False if known.get("whole") else None
    )
    if in_use is None:
        return f"nobody was seen to use legacy, but it is watched only since {known['since']}"
    return "clients use legacy" if in_use else None


def _modern_versions(found: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Versions that are known to serve the modern era, with the hosts that run them, by package."""
    versions: dict[str, dict[str, list[str]]] = {}
    for host, answer in found.items():
        for server in answer.get("servers", ()):
            active = server.get("active") or {}
            if MODERN in (active.get("eras") or ()):
                hosts = versions.setdefault(_identifier(active), {}).setdefault(str(active["version"]), [])
                if host not in hosts:
                    hosts.append(host)
    return {
        name: [f"{version} (on {', '.join(hosts)})" for version, hosts in found_here.items()]
        for name, found_here in versions.items()
    }


def _identifier(active: Mapping[str, Any]) -> str:
    return str(active.get("package") or "").rpartition("@")[0]
