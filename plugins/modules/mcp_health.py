#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_health
short_description: Check an MCP server with real MCP traffic
version_added: 0.1.0
description:
  - Speaks MCP to a server as its clients do, in both eras, lists what it offers, makes the owner's required
    calls, and fails when anything of it is wrong.
  - Changes nothing; outside check mode it writes down which eras clients use, as the edge has counted them.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
  - mcpops.fleet.fleet
  - mcpops.fleet.fleet.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  server:
    description:
      - The definition of the server, as for M(mcpops.fleet.mcp_update).
    type: dict
    required: true
  credentials:
    description:
      - As for M(mcpops.fleet.mcp_update). They are not used here; accepting them lets one set of
        defaults serve both.
    type: dict
    default: {}
  url:
    description:
      - Where to check a server over HTTP, in place of its route at this host's edge.
    type: str
  attempts:
    description:
      - Checks that must succeed in a row.
    type: int
    default: 1
  timeout:
    description:
      - Seconds for each check, at most 86400 (a day).
      - Without it 15, and for a stdio server that clients start C(update.ready_timeout), where that is more
        (60 at most).
    type: float
seealso:
  - module: mcpops.fleet.mcp_update
"""

EXAMPLES = r"""
- name: Check the server through the edge of its host
  mcpops.fleet.mcp_health:
    server: "{{ everything }}"
    attempts: 3
"""

RETURN = r"""
server:
  description: Name of the server.
  type: str
  returned: always
target:
  description: What was asked, a URL or a launcher.
  type: str
  returned: always
era:
  description: V(modern), V(legacy), V(dual), or V(none) when it serves none.
  type: str
  returned: always
eras:
  description: For each era what came back.
  type: dict
  returned: always
tools:
  description: Names of the tools it offers.
  type: list
  elements: str
  returned: always
latency_ms:
  description: Milliseconds to its first answer, by era.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.definition.parse import parse
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_time_limits
from ..module_utils.module import open_for, require_apart
from ..module_utils.update.health import Health, check
from ..module_utils.update.ready import probe_timeout


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "server": {"type": "dict", "required": True},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
            "url": {"type": "str"},
            "attempts": {"type": "int", "default": 1},
            "timeout": {"type": "float"},
        },
        supports_check_mode=True,
    )
    try:
        health = run(module)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if health.problem:
        module.fail_json(msg=str(health.problem), **health.to_json())
    module.exit_json(changed=False, **health.to_json())


def run(module: AnsibleModule) -> Health:
    """Check as often as asked for; the last result, or the first that is bad."""
    require_apart(module)
    if module.params["timeout"] is not None:
        require_time_limits(module.params, "timeout")
    definition = parse(module.params["server"], module.params["credentials"])
    host = open_for(module, definition)
    timeout = probe_timeout(definition) if module.params["timeout"] is None else module.params["timeout"]
    if not module.check_mode and definition.over_http:
        host.note_eras(definition.name)
    for _attempt in range(max(1, module.params["attempts"])):
        health = check(host, definition, module.params["url"], timeout)
        if health.problem:
            break
    return health


if __name__ == "__main__":
    main()
