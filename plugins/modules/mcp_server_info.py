#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_server_info
short_description: Say what MCP servers a host runs
version_added: 0.1.0
description:
  - For each server of a host says which release serves, what the other slot holds, what is under way,
    what is connected to each slot, and which eras its clients use.
  - What the edge has counted of the eras is written down meanwhile, outside check mode; nothing else is
    changed.
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
  name:
    description:
      - Only this server; without it all of the host.
    type: str
  days:
    description:
      - For how many days a use of an era by a client counts.
    type: float
    default: 7
seealso:
  - module: mcpops.fleet.mcp_update
"""

EXAMPLES = r"""
- name: What runs here
  mcpops.fleet.mcp_server_info:
  register: fleet
"""

RETURN = r"""
servers:
  description: One entry a server, by name.
  type: list
  elements: dict
  returned: success
  contains:
    server:
      description: Its name.
      type: str
      returned: success
    active:
      description: The slot that new clients reach, its version, release, eras, tools and variables' names.
      type: dict
      returned: success
    previous:
      description: The slot and version that a rollback returns to.
      type: dict
      returned: success
    generation:
      description: The highest generation given out.
      type: int
      returned: success
    transaction:
      description: What is under way; V(none) when nothing is.
      type: dict
      returned: success
    last:
      description: How the last change ended.
      type: dict
      returned: success
    slots:
      description: For each slot its version, process state and id, port, sessions and open requests.
      type: dict
      returned: success
    consistent:
      description: Whether map files and running edge say the same.
      type: bool
      returned: success
    url:
      description: Where clients reach it; the launcher's path for a stdio server.
      type: str
      returned: success
    eras_in_use:
      description: Which eras clients used at the edge of this host; the fleet's own checks do not count.
      type: dict
      returned: success
      contains:
        since:
          description: From when on every use is known; V(none) where none is.
          type: str
          returned: success
        whole:
          description: Whether that is O(days) or longer ago.
          type: bool
          returned: success
        eras:
          description:
            - By era when it was used C(last), C(requests) and C(sessions) begun in O(days), and whether
              it is C(in_use), V(none) where that is not known.
          type: dict
          returned: success
        problem:
          description: Why nothing is known; V(none) when something is.
          type: str
          returned: success
    problem:
      description: Why something of it could not be read; V(none) when all could.
      type: str
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.module import read_host
from ..module_utils.update.host import open_host
from ..module_utils.update.info import servers_of


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "name": {"type": "str"},
            "days": {"type": "float", "default": 7},
        },
        supports_check_mode=True,
    )
    try:
        servers = servers_of(
            open_host(read_host(module), Effects()),
            module.params["name"],
            module.params["days"],
            keep=not module.check_mode,
        )
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, servers=servers)


if __name__ == "__main__":
    main()
