# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller hands over with each change: who asks for it, and the inventory's rules."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Mapping
from typing import Any

RULES = {
    "approve": "mcp_approve",
    "windows": "mcp_windows",
    "emergency": "mcp_emergency",
    "reason": "mcp_reason",
}
"""Options of modules that change servers, and the variables they come from in whatever playbook."""

_JOB = {
    "job": ("awx_job_id", "tower_job_id"),
    "job_template": ("awx_job_template_name", "tower_job_template_name"),
    "job_user": ("awx_user_name", "tower_user_name"),
    "workflow": ("awx_workflow_job_id", "tower_workflow_job_id"),
}


def charged(
    options: Mapping[str, Any], task_vars: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, Any]:
    """A module's options, with the rules that the task does not give, and who asks.

    So no playbook with this inventory gets around its windows.
    """
    rules = {
        option: template(task_vars[variable])
        for option, variable in RULES.items()
        if option not in options and task_vars.get(variable) is not None
    }
    return {**options, **rules, "caller": _caller(task_vars, template)}


def _caller(task_vars: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, str]:
    """The controller's user, the AWX job where it is one, and the inventory's name of the host."""
    found = {
        "user": _login(),
        "controller": socket.gethostname(),
        "host": task_vars.get("inventory_hostname"),
        "connects_as": template(task_vars.get("ansible_user")),
    }
    for key, names in _JOB.items():
        found[key] = next((task_vars[name] for name in names if task_vars.get(name)), None)
    return {key: str(value) for key, value in found.items() if value not in (None, "")}


def _login() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
