# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A time limit in which nothing can be done, or that nobody can mean, is refused by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.mcpops.fleet.plugins.module_utils import limits
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError

HOME = "ansible_collections.mcpops.fleet.plugins.modules"


def options_of(name: str) -> Mapping[str, Any]:
    described = yaml.safe_load(importlib.import_module(f"{HOME}.{name}").DOCUMENTATION)
    options: Mapping[str, Any] = described["options"]
    return options


def time_limits() -> list[tuple[str, str]]:
    """Each option of a module that is called a timeout."""
    folder = Path(limits.__file__).parent.parent / "modules"
    names = sorted(path.stem for path in folder.glob("mcp_*.py"))
    return [(name, option) for name in names for option in options_of(name) if option.endswith("timeout")]


ALL = pytest.mark.parametrize(("name", "option"), time_limits())


def run(name: str, option: str, given: float) -> None:
    """Let a module do its work with its defaults and this option; it has nothing to work on."""
    params = {known: rules.get("default") for known, rules in options_of(name).items()}
    params = {**params, "server": {}, "servers": [], option: given}
    module = importlib.import_module(f"{HOME}.{name}")
    module.run(params if name == "mcp_outdated" else SimpleNamespace(params=params, check_mode=False))


@ALL
@pytest.mark.parametrize("given", ["-1", "3000000", "nan", "inf"])
def test_every_module_refuses_it_and_says_which_option_what_it_was_and_what_it_may_be(
    name: str, option: str, given: str
) -> None:
    with pytest.raises(FleetError, match=rf"options: {option} is {given}\. Give seconds, .*86400"):
        run(name, option, float(given))


@ALL
def test_only_a_wait_for_another_run_may_be_none(name: str, option: str) -> None:
    check = limits.require_waits if option == "lock_timeout" else limits.require_time_limits
    check({option: limits.DAY}, option)
    check({option: 0.5}, option)
    if option == "lock_timeout":
        check({option: 0}, option)
    else:
        with pytest.raises(FleetError, match=f"{option} is 0. Give seconds, more than 0"):
            run(name, option, 0)
