# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the release tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from tests.integration.release.registry import Registry


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Where releases go; they are read-only, so it is removed as releases are."""
    path = tmp_path / "releases"
    yield path
    Effects().remove_tree(path)


@pytest.fixture(scope="session")
def running() -> Iterator[Registry]:
    """A registry of our own."""
    started = Registry()
    yield started
    started.close()


@pytest.fixture
def registry(running: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry of our own, which npm and uv use in place of the public ones."""
    use(monkeypatch, f"http://{running.address}/npm", f"http://{running.address}/simple")
    return running


def use(monkeypatch: pytest.MonkeyPatch, npm: str, index: str) -> None:
    """Make npm and uv use these registries."""
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_INDEX_URL", index)
    monkeypatch.setenv("UV_HTTP_RETRIES", "1")
    monkeypatch.setenv("npm_config_registry", npm)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """Both registries at a port where nothing listens."""
    address = "http://127.0.0.1:9"
    use(monkeypatch, address, f"{address}/simple")
    return address
