# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks all registries, each package once, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from .answer import Answer, NotChecked
from .standing import Running

Package = tuple[str, str]
"""``registry_type`` and ``identifier``."""


class Registry(Protocol):
    """One kind of registry."""

    def ask(self, identifier: str, interest: Sequence[str]) -> Answer:
        """All versions of a package, with all that is known of those of ``interest``; raises NotChecked."""


def ask_all(
    running: Iterable[Running], registries: Mapping[str, Registry], parallel: int
) -> dict[Package, Answer | str]:
    """What each package's registry said, or why it did not.

    :param parallel: questions at a time.
    """
    interest: dict[Package, list[str]] = {}
    for item in running:
        versions = interest.setdefault(item.package, [])
        versions += [version for version in (item.version, item.defined) if version]

    def ask(package: Package) -> Answer | str:
        registry = registries.get(package[0])
        if registry is None:
            return f"packages of the kind {package[0]} are in no registry that can be asked"
        try:
            return registry.ask(package[1], list(dict.fromkeys(interest[package])))
        except NotChecked as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(interest) or 1))) as pool:
        return dict(zip(interest, pool.map(ask, interest)))


class Once:
    """A registry that has to find something out before its first question; only one thread does."""

    def __init__(self, registry: Registry, prepare: Callable[[], None]) -> None:
        self._registry = registry
        self._prepare = prepare
        self._lock = threading.Lock()

    def ask(self, identifier: str, interest: Sequence[str]) -> Answer:
        """As the registry does."""
        with self._lock:
            self._prepare()
        return self._registry.ask(identifier, interest)
