# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What locks cost and save: locking ten servers; installing with and without a lock, and offline.

All from a warm cache of the tools, by the clock: they wait for registries and disks.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bundles import Bundles
from ansible_collections.mcpops.fleet.plugins.module_utils.release.lock import Lock
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locker import Locker, Terms
from ansible_collections.mcpops.fleet.plugins.module_utils.release.locks import Locks
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases
from tests.integration.release.place import SHARED_CACHE, releases, tools

SERVERS = (
    Package("pypi", "duckduckgo-mcp-server", "0.6.1"),
    Package("pypi", "duckduckgo-mcp-server", "0.7.0"),
    Package("pypi", "mcp-server-time", "2026.7.10"),
    Package("pypi", "mcp-server-time", "2026.8.18"),
    Package("pypi", "mcp-server-fetch", "2026.10.24"),
    Package("npm", "@modelcontextprotocol/server-everything", "2026.7.4"),
    Package("npm", "@modelcontextprotocol/server-everything", "2026.8.31"),
    Package("npm", "@modelcontextprotocol/server-memory", "2026.8.31"),
    Package("npm", "@upstash/context7-mcp", "4.1.0"),
    Package("npm", "@upstash/context7-mcp", "4.1.1"),
)
ROUNDS = 7
"""Installations of each kind, after one that warms the caches."""
INSTALLED = (
    Package("pypi", "duckduckgo-mcp-server", "0.7.0"),
    Package("npm", "@upstash/context7-mcp", "4.1.1"),
)


def locking(folder: Path, at_once: int) -> float:
    """Seconds for locking ten servers, so many at once."""
    locks = Locks(folder)
    terms = Terms(datetime.now(UTC))
    locker = Locker(Effects(), locks, SHARED_CACHE, tools(), terms)
    target = releases(folder, SHARED_CACHE).target()
    started = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda package: locker.lock(package, target), SERVERS))
    return time.monotonic() - started


def installing(folder: Path, package: Package) -> dict[str, float]:
    """Median seconds of an installation: resolved on the spot, from a lock, from a lock and a bundle.

    They take turns, so that whatever else the machine does meets all of them. Nothing is removed in between:
    for minutes after thousands of files went, making new ones takes several times as long on ext4, which does
    not use their inodes again so soon and searches for others.
    """
    roots = itertools.count()

    def plain() -> Releases:
        return releases(folder / f"releases-{next(roots)}", SHARED_CACHE)

    locker = Locker(Effects(), Locks(folder / "locks"), SHARED_CACHE, tools(), Terms(datetime.now(UTC)))
    lock = locker.lock(package, plain().target()).lock
    bundles = Bundles(Effects(), folder / "bundles", tools())
    bundle = bundles.make(package, plain().target(), timeout=600, lock=lock)[0].path
    ways: dict[str, tuple[Sequence[Lock], Path | None]] = {
        "unlocked": ((), None),
        "locked": ((lock,), None),
        "offline": ((lock,), bundle),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS + 1):
        for way, (locks, shipped) in ways.items():
            there = plain().locked(locks)
            started = time.monotonic()
            there.install(package, timeout=600, bundle=shipped)
            if number:
                seconds[way].append(time.monotonic() - started)
    return {way: round(statistics.median(times), 3) for way, times in seconds.items()}


def locks(folder: Path) -> Mapping[str, float]:
    """Locking ten servers, all at once and one after the other; ``folder`` is an empty one."""
    locking(folder / "warm", 10)
    return {
        "lock_ten_at_once_s": round(locking(folder / "together", 10), 3),
        "lock_ten_one_by_one_s": round(locking(folder / "alone", 1), 3),
    }


def installs(folder: Path) -> Mapping[str, float]:
    """Installing a server of each registry in three ways; ``folder`` is an empty one."""
    return {
        f"{package.registry_type}_{way}_install_s": seconds
        for package in INSTALLED
        for way, seconds in installing(folder / package.registry_type, package).items()
    }
