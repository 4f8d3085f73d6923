#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_cleanup
short_description: Delete what a host of the fleet needs no more
version_added: 0.1.0
description:
  - Looks at the releases, what installations left unfinished, logs, package caches and backups of a host, and
    deletes what its retention policies let go.
  - Whatever the policies say, a release stays that a server runs, that a rollback returns to, that a change
    under way needs, that is pinned or defined, that a slot, unit or launcher names, that a living process
    uses, or that is younger than its minimum age.
  - What goes is moved out of the way in one step first, looked at again, and then deleted without following
    links, never across a mount. Killed at any point, the next run goes on with it.
  - Server processes that belong to no slot and no living client are reported, and ended where that is chosen.
  - A protected server loses nothing without an approval (C(NAME:cleanup)), and nothing is deleted or ended
    outside the change windows; what stays for that says so.
  - What each server loses is on record on the host (M(mcpops.fleet.mcp_audit)) before it happens.
  - Check mode gives just the list that a run deletes.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
  - mcpops.fleet.fleet
  - mcpops.fleet.fleet.charge
  - mcpops.fleet.fleet.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  policies:
    description:
      - Retention policies by name; C(docs/retention.md) in the collection has their keys and the presets.
      - Several are merged towards keeping more. Without any the preset V(conservative) holds.
      - A name is what errors call the policy; the playbook gives the variable's.
    type: dict
    default: {}
  servers:
    description:
      - The servers that the inventory defines; their versions are kept.
      - They are the keys of this name of its definition; give no others, which may be secret.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The server's name.
        type: str
        required: true
      package:
        description: Its C(registry_type), C(identifier) and C(version).
        type: dict
        required: true
      retention:
        description: What its owner wants kept; for its own packages and logs, merged with O(policies).
        type: dict
      protected:
        description: Whether the inventory protects it. What is on record as protected is so in any case.
        type: bool
        default: false
  lock_timeout:
    description:
      - Seconds to wait for another cleanup of the same releases.
      - With V(0) it does not wait; at most 86400 (a day).
    type: float
    default: 60
seealso:
  - module: mcpops.fleet.mcp_update
  - module: mcpops.fleet.mcp_server_info
  - module: mcpops.fleet.mcp_audit
"""

EXAMPLES = r"""
- name: Clean up
  mcpops.fleet.mcp_cleanup:
    policies:
      mcp_retention:
        preset: standard
        release: {keep: 5}
        pin: ["mcp-server-time@2026.8.18"]
    servers:
      - name: time
        package: {registry_type: pypi, identifier: mcp-server-time, version: 2026.8.18}
        retention: {release: {keep: 10}}
"""

RETURN = r"""
found:
  description: All that could be deleted, and what becomes of each.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: Where it stands.
      type: str
      returned: success
    kind:
      description: V(release), V(staging), V(quarantine), V(log), V(cache), V(backup) or V(tombstone).
      type: str
      returned: success
    name:
      description: The release as C(identifier@version), else the file or folder.
      type: str
      returned: success
    age:
      description: Seconds since it came about; V(none) when that is not known.
      type: int
      returned: success
    size:
      description: Bytes; V(none) when that is not known before it is deleted.
      type: int
      returned: success
    action:
      description: V(keep) or V(delete).
      type: str
      returned: success
    rule:
      description:
        - What decided it, such as V(active), V(pinned), V(min_age) or V(keep); V(protected) or V(closed)
          where it could go and is not allowed to.
      type: str
      returned: success
    why:
      description: The same in words.
      type: str
      returned: success
reclaimed:
  description: Bytes that were freed; in check mode those that are known beforehand.
  type: int
  returned: success
kept:
  description: Bytes of what is kept, as far as they are known.
  type: int
  returned: success
left:
  description:
    - What should have been deleted and was not, such as what a mount is in. Each C(path) and C(why).
  type: list
  elements: dict
  returned: success
foreign:
  description: What stands in the fleet's folders and is not the fleet's; it is left. Each C(path) and C(why).
  type: list
  elements: dict
  returned: success
audit:
  description: Number and hash (C(seq), C(hash)) of the last line of the host's audit; V(none) without.
  type: dict
  returned: success
orphans:
  description:
    - Server processes that belong to no slot and no living client. Each C(pid), C(server), C(slot),
      C(seconds) that it has run, C(why), and C(action) - V(report), V(end) in check mode, V(ended), V(gone),
      V(left), V(kept) where ending it is not allowed.
  type: list
  elements: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cleanup.clean import Cleaner, Outcome
from ..module_utils.cleanup.report import diff_of, result_of
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_waits
from ..module_utils.module import CHARGE, charge_of, read_host
from ..module_utils.retention.parse import parse_policies
from ..module_utils.update.host import open_host


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "policies": {"type": "dict", "default": {}},
            "servers": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "package": {"type": "dict", "required": True},
                    "retention": {"type": "dict"},
                    "protected": {"type": "bool", "default": False},
                },
            },
            "lock_timeout": {"type": "float", "default": 60},
            **CHARGE,
        },
        supports_check_mode=True,
    )
    try:
        outcome = run(module)
    except FleetError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    result = result_of(outcome)
    module.exit_json(**result, **({"diff": diff_of(outcome)} if module._diff else {}))


def run(module: AnsibleModule) -> Outcome:
    """Foresee a cleanup, or do it."""
    require_waits(module.params, "lock_timeout")
    policies, wanted = parse_policies(module.params["policies"], module.params["servers"])
    cleaner = Cleaner(open_host(read_host(module), Effects()), policies, wanted, charge_of(module))
    return cleaner.foresee() if module.check_mode else cleaner.clean(module.params["lock_timeout"])


if __name__ == "__main__":
    main()
