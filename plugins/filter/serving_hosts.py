# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a play is for.

Ansible works out the hosts of a play in its main process, and each task of each host in a process forked
from it. A plugin that is first used there is loaded for that task alone, from source: 0.3 s, thousands of
times in a large rollout. So what tasks need is imported here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..action import mcp_cleanup, mcp_health, mcp_restore, mcp_update

LOADED_FOR_TASKS = (mcp_cleanup, mcp_health, mcp_restore, mcp_update)

EDGES = "mcp_edges"


def serving_hosts(groups: Mapping[str, Any]) -> str:
    """The pattern of hosts that run servers: all but those of the tier, where there is one."""
    return f"all:!{EDGES}" if EDGES in groups else "all"


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"serving_hosts": serving_hosts}
