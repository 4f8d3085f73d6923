# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host says what kind of host it is, and nothing else of what the controller packs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.mcpops.fleet.plugins.action import mcp_update
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

TARGET = {"python": "3.11.2", "machine": "x86_64", "libc": "glibc 2.36"}
OWN = {"registry_type": "pypi", "identifier": "box", "version": "1.0.0"}
SECRETS = {"registry_type": "local", "identifier": "/srv/secrets", "version": "1"}
OPTIONS: dict[str, Any] = {"server": {"name": "box", "package": OWN}, "release_source": "controller"}


class Task:
    """A task of mcp_update on a host that answers as it likes."""

    def __init__(self, answer: dict[str, Any], check_mode: bool) -> None:
        self.args = {**OPTIONS, "lock_folder": None, "release_folder": "/bundles"}
        self.answer = answer
        self.check_mode = check_mode
        self.diff = False


def ran(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], check_mode: bool
) -> tuple[dict[str, Any], list[Any]]:
    """The task's result, and what the controller packed for it."""
    packed: list[Any] = []

    def made(wanted: dict[str, Any], _folder: str, _locks: list[Any]) -> Path:
        packed.append(wanted)
        return Path(__file__)

    class Acting(mcp_update.ActionModule):
        def __init__(self) -> None:
            self._task: Any = Task(answer, check_mode)
            self._templar = type("Templar", (), {"template": staticmethod(lambda value: value)})()
            self._loader = type("Loader", (), {"path_dwim": staticmethod(lambda path: path)})()

        def _module(self, options: Any, task_vars: Any) -> dict[str, Any]:
            return answer

        def _with(self, bundle: Any, options: Any, task_vars: Any) -> dict[str, Any]:
            return {"shipped": True}

    monkeypatch.setattr(mcp_update, "_made", made)
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    return Acting().run(), packed


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_host_that_wants_another_package_gets_that_of_its_task(
    monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    result, packed = ran(monkeypatch, {"bundle_wanted": {"package": SECRETS, "target": TARGET}}, check_mode)
    # In check mode the role server makes bundles of what the result says.
    assert ([result["bundle_wanted"]] if check_mode else packed) == [{"package": OWN, "target": TARGET}]
    assert "secrets" not in str((result, packed))


def test_a_host_that_is_to_ask_the_registry_gets_nothing_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIONS, "release_source", "registry")
    result, packed = ran(monkeypatch, {"bundle_wanted": {"package": SECRETS, "target": TARGET}}, True)
    assert (result, packed) == ({}, [])


@pytest.mark.parametrize("wish", [{}, "all", {"target": {"python": "../.."}}, {"target": {"root": "/"}}])
def test_a_host_that_says_no_kind_of_host_is_refused(wish: Any) -> None:
    answer = {"bundle_wanted": wish or {"package": OWN}}
    with pytest.raises(FleetError, match="read a target"):
        mcp_update.wanted_of(answer, OPTIONS)
