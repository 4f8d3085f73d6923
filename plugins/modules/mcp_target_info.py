#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_target_info
short_description: Say which kind of host releases have to fit
version_added: 0.2.0
description:
  - Asks a Python of the host for what decides which artifacts fit it. The host needs no preparation.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
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
    platforms: posix
options:
  python:
    description:
      - The Python with which the host's releases run. Without it that on which the module runs.
    type: path
seealso:
  - module: mcpops.fleet.mcp_lock
  - module: mcpops.fleet.mcp_release
"""

EXAMPLES = r"""
- name: Ask for the kind of host
  mcpops.fleet.mcp_target_info:
    python: /usr/bin/python3.12
  register: kind
"""

RETURN = r"""
target:
  description: Version of Python, processor, C library, as M(mcpops.fleet.mcp_lock) takes them.
  type: dict
  returned: success
  sample: {"python": "3.12.3", "machine": "x86_64", "libc": "glibc 2.39"}
"""

import sys

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.release.target import target_of


def main() -> None:
    module = AnsibleModule(argument_spec={"python": {"type": "path"}}, supports_check_mode=True)
    try:
        target = target_of(Effects(), module.params["python"] or sys.executable)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, target=target.to_json())


if __name__ == "__main__":
    main()
