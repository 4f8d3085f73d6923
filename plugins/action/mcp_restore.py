# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of mcp_restore: it looks at a backup as far as it can, and ships it to the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils.backup.store import note_path, noted, require_bytes
from ..module_utils.errors import FleetError
from ..plugin_utils.charge import charged


class ActionModule(ActionBase):
    """Runs the module on a copy of the backup, which goes with the task's temporary folder."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point of an action."""
        super().run(tmp, task_vars)
        options = charged(self._task.args, task_vars or {}, self._templar.template)
        try:
            if options.get("archive") and not boolean(options.get("remote_src", False), strict=False):
                options["archive"] = self._shipped(Path(self._local(options["archive"])))
        except FleetError as error:
            return {"failed": True, "msg": str(error)}
        result: dict[str, Any] = self._execute_module(
            module_name="mcpops.fleet.mcp_restore", module_args=options, task_vars=task_vars
        )
        return result

    def _shipped(self, archive: Path) -> str:
        """The path of the copy. What is damaged is not sent."""
        if not archive.is_file():
            cure = "Name a backup that mcp_backup made (mcp_restore_archive), on the controller."
            raise FleetError(f"read the backup {archive}", "it is not there", cure)
        stored = noted(archive)
        if stored.note:
            require_bytes(stored)
        base: ActionBase = self
        shell = self._connection._shell
        folder = shell.tmpdir or self._make_tmp_path()
        there = [shell.join_path(folder, path.name) for path in (archive, note_path(archive))]
        base._transfer_file(str(archive), there[0])
        if stored.note:
            base._transfer_file(str(note_path(archive)), there[1])
        base._fixup_perms2((folder, *(there if stored.note else there[:1])))
        return str(there[0])

    def _local(self, path: str) -> str:
        return str(Path(self._loader.path_dwim(path)).expanduser())
