# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of mcp_health: it keeps the credentials of a definition secret."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors import FleetError
from ..plugin_utils.credentials import apart


class ActionModule(ActionBase):
    """Runs the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point of an action."""
        super().run(tmp, task_vars)
        try:
            options = apart(self._task.args)
        except FleetError as error:
            return {"failed": True, "msg": str(error)}
        result: dict[str, Any] = self._execute_module(
            module_name="mcpops.fleet.mcp_health", module_args=options, task_vars=task_vars
        )
        return result
