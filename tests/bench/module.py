# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module ``mcp_update`` as a process of its own, as Ansible does on a host."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.plugin_utils.credentials import apart

PROGRAM = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.mcpops.fleet.plugins.modules import mcp_update
with patch_module_args(json.load(sys.stdin)):
    mcp_update.main()
"""


def mcp_update(config: Path, server: Mapping[str, Any], **options: Any) -> tuple[dict[str, Any], float]:
    """The module's result, and seconds from the start of its process to its end.

    :raises RuntimeError: when it failed, with its message.
    """
    arguments = json.dumps(apart({"config": str(config), "server": server, **options}))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=arguments, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - started
    result: dict[str, Any] = json.loads(done.stdout or "{}")
    if done.returncode != 0 or result.get("failed"):
        raise RuntimeError(result.get("msg") or done.stderr[-2000:])
    return result, seconds
