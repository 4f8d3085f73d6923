# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: recovery_archive
short_description: A program that a host runs by itself, as one file
version_added: 0.1.0
description:
  - Makes an archive of the collection's own code that a host's Python runs without Ansible, and returns its
    path on the controller. The same code always gives the same bytes.
  - The role P(mcpops.fleet.host#role) copies them to hosts with systemd - for C(mcp-recover.service), which
    ends updates that were cut off, and for C(mcp-backup.service).
author:
  - mcpops.fleet contributors (@mcpops)
options:
  _terms:
    description: The program, V(recovery) (when none is named) or V(backup).
"""

EXAMPLES = r"""
- name: Install it
  ansible.builtin.copy:
    src: "{{ lookup('mcpops.fleet.recovery_archive') }}"
    dest: /opt/mcp/libexec/mcp-recover.pyz
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The path of the archive on the controller; it is there as long as Ansible runs.
  type: list
  elements: path
"""

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

CODE = Path(__file__).parents[1] / "module_utils"
_NAMES = {"recovery": "mcp-recover.pyz", "backup": "mcp-backup.pyz"}
_PACKAGE = "mcpops_fleet"
_ENTRY = "from {package}.{program}.main import main\n\nraise SystemExit(main())\n"
_BORN = (1980, 1, 1, 0, 0, 0)


def archive(program: str = "recovery") -> bytes:
    """A program: all of the collection's code below Ansible, and an entry.

    Not compressed: how that comes out depends on the controller's zlib.
    """
    sources = {f"{_PACKAGE}/{path.relative_to(CODE)}": path.read_bytes() for path in CODE.rglob("*.py")}
    # The one file there that needs Ansible.
    del sources[f"{_PACKAGE}/module.py"]
    entry_point = _ENTRY.format(package=_PACKAGE, program=program)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as opened:
        for name, source in sorted({**sources, "__main__.py": entry_point.encode()}.items()):
            entry = zipfile.ZipInfo(name, _BORN)
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, source)
    return result.getvalue()


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[str]:
        """The archive's path."""
        folder = Path(vars(C)["DEFAULT_LOCAL_TMP"])
        return [str(self._written(folder, program)) for program in terms or ["recovery"]]

    @staticmethod
    def _written(folder: Path, program: str) -> Path:
        if program not in _NAMES:
            raise AnsibleLookupError(f"there is no program {program!r}; there are {', '.join(_NAMES)}")
        # The workers of all hosts write it; each finds it whole.
        descriptor, name = tempfile.mkstemp(prefix=_NAMES[program], dir=folder)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(archive(program))
        path = folder / _NAMES[program]
        os.replace(name, path)
        return path
