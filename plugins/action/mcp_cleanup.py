# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of mcp_cleanup: it says who asks, and hands the inventory's rules over."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.charge import charged


class ActionModule(ActionBase):
    """Runs the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point of an action."""
        super().run(tmp, task_vars)
        options = charged(self._task.args, task_vars or {}, self._templar.template)
        result: dict[str, Any] = self._execute_module(
            module_name="mcpops.fleet.mcp_cleanup", module_args=options, task_vars=task_vars
        )
        return result
