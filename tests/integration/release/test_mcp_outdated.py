# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module mcp_outdated against registries of our own, by the same clients as with any others."""

from __future__ import annotations

import socketserver
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.modules import mcp_outdated
from ansible_collections.mcpops.fleet.plugins.modules.mcp_outdated import run
from tests.integration.release.conftest import use
from tests.integration.release.registry import Registry
from tests.support.site import serving


def ask(registry_type: str, identifier: str, version: str, timeout: float = 60) -> dict[str, Any]:
    """What the module says of one server."""
    server = {"server": "box", "host": "node1", "registry_type": registry_type, "identifier": identifier}
    options = {"uv": None, "node": None, "npm": None, "parallel": 4, "lock_folder": None, "timeout": timeout}
    [entry] = run({**options, "servers": [{**server, "version": version}]})
    return entry


def test_npm_says_what_is_newest_when_it_was_published_and_what_is_gone(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "published", "2026-02-01T00:00:00.000Z")
    gone = ask("npm", "good-server", "0.9.0")
    assert (gone["status"], gone["newest"]["version"]) == ("outdated", "1.0.0")
    assert gone["newest"]["published"] == "2026-02-01T00:00:00.000Z"
    assert gone["notices"] == ["0.9.0 is withdrawn: unpublished"]
    old = ask("npm", "old-server", "1.0.0")
    assert (old["status"], old["notices"]) == ("newest", ["1.0.0 is deprecated: use good-server"])


@pytest.mark.usefixtures("registry")
def test_an_index_that_uv_is_configured_for_says_what_is_newest() -> None:
    assert ask("pypi", "good-server", "0.9.0")["newest"]["version"] == "1.0.0"
    missing = ask("pypi", "not-there", "1.0.0")
    assert (missing["status"], missing["problem"]) == ("not checked", "no index that is configured has it")


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("registry_type", ["npm", "pypi"])
def test_a_registry_out_of_reach_is_not_checked_with_the_reason(registry_type: str) -> None:
    found = ask(registry_type, "good-server", "1.0.0")
    assert (found["status"], found["newest"]) == ("not checked", None)
    assert "out of reach" in found["problem"]


def test_a_registry_that_answers_with_an_error_is_not_checked_and_shows_no_password(
    running: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://somebody:s3cr3t@{running.address}/answer/503"
    use(monkeypatch, address, address)
    found = ask("pypi", "good-server", "1.0.0")
    assert "503" in found["problem"]
    assert "s3cr3t" not in str(found)
    assert ask("npm", "good-server", "1.0.0")["status"] == "not checked"


def test_a_registry_that_never_answers_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Silent) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        use(
            monkeypatch,
            f"http://127.0.0.1:{server.server_port}",
            f"http://127.0.0.1:{server.server_port}/simple",
        )
        assert [ask(kind, "good-server", "1.0.0", 2)["status"] for kind in ("npm", "pypi")] == [
            "not checked"
        ] * 2
        server.shutdown()


@pytest.mark.parametrize("slow", ["body", "headers"])
def test_an_index_that_drips_is_given_up_in_time(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as address:
        use(monkeypatch, f"{address}/npm", f"{address}/slow/{slow}")
        began = time.monotonic()
        found = ask("pypi", "good-server", "1.0.0", 2)
        assert time.monotonic() - began < 20
    assert found["status"] == "not checked"
    assert "it did not end within 2 s" in found["problem"]


def test_an_index_that_does_not_speak_http_or_never_ends_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "simple" / "good-server").mkdir(parents=True)
    (tmp_path / "simple" / "good-server" / "index.html").write_bytes(b" " * 2000)
    monkeypatch.setattr(mcp_outdated, "_LIMIT", 1000)
    with serving(tmp_path) as address:
        use(monkeypatch, f"{address}/npm", f"{address}/broken")
        assert "out of reach" in ask("pypi", "good-server", "1.0.0", 5)["problem"]
        use(monkeypatch, f"{address}/npm", f"{address}/simple")
        assert "it is larger than" in ask("pypi", "good-server", "1.0.0", 5)["problem"]


class _Silent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        time.sleep(30)
