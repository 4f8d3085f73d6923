#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_restore
short_description: Let a rebuilt host serve again what a backup holds
version_added: 0.1.0
description:
  - Brings the servers of a backup that M(mcpops.fleet.mcp_backup) made back to a host that the roles
    P(mcpops.fleet.host#role) and P(mcpops.fleet.edge#role) have prepared. They get the releases, slots, ports
    and generations that they had, and what they could be rolled back to.
  - Every byte of the backup is looked at before anything is touched. A backup that is damaged, of another
    host, or does not fit this one is refused; so is one of a server that this host serves otherwise.
  - Each server has to answer before a client reaches it. One that does not is stopped, and fails the module;
    the others come back.
  - It is on record on the host (M(mcpops.fleet.mcp_audit)), whose own lines stay as they are; what stands in
    the backup is the number and hash of the last line of the host that was lost, which is named there.
  - Like a rollback it may happen outside the change windows, and without an approval, which goes on record.
  - When it is cut off, run it again. A host that serves what the backup holds is left as it is.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
  - mcpops.fleet.fleet
  - mcpops.fleet.fleet.charge
  - mcpops.fleet.fleet.attributes
attributes:
  check_mode:
    support: full
    details: On a host that is not prepared yet the backup cannot be looked at.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  archive:
    description:
      - The backup, a file of the controller; with O(remote_src=true) of the host. The note that lies beside
        it (C(.json)) is used where it is there.
    type: path
    required: true
  remote_src:
    description:
      - Whether O(archive) is on the host.
    type: bool
    default: false
  host:
    description:
      - Name of the host that the backup has to be of.
    type: str
    required: true
  identity:
    description:
      - The content of a file with the secret key of age. It is not written anywhere.
    type: str
    required: true
  servers:
    description:
      - Only these servers. Without it all that the backup holds.
    type: list
    elements: str
  lock_timeout:
    description:
      - Seconds to wait for another run on the same server.
      - With V(0) it does not wait; at most 86400 (a day).
    type: float
    default: 60
  ready_timeout:
    description:
      - Seconds for each server to answer, at most 86400 (a day).
    type: float
    default: 60
seealso:
  - module: mcpops.fleet.mcp_backup
"""

EXAMPLES = r"""
- name: Bring back what the host served
  mcpops.fleet.mcp_restore:
    archive: backups/node1-20261126T041500Z.tar.gz.age
    host: node1
    identity: "{{ lookup('ansible.builtin.file', 'fleet.key') }}"
"""

RETURN = r"""
plan:
  description: What was done, or in check mode would be.
  type: list
  elements: str
  returned: always
made:
  description: When the backup was made.
  type: str
  returned: always, when it could be looked at
audit:
  description: Number and hash (C(seq), C(hash)) of the last line of the host's audit then; V(none) without.
  type: dict
  returned: always, when it could be looked at
servers:
  description: For each server C(package), C(slot), C(generation) and C(problem).
  type: dict
  returned: always, when it could be looked at
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backup.age import HAS_PYRAGE, Identity
from ..module_utils.backup.restore import Restore, Restored
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_time_limits, require_waits
from ..module_utils.module import CHARGE, charge_of, need, read_host
from ..module_utils.update.host import open_host

UNPREPARED = ["prepare the host, look at the backup, bring its servers into service"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "archive": {"type": "path", "required": True},
            "remote_src": {"type": "bool", "default": False},
            "host": {"type": "str", "required": True},
            "identity": {"type": "str", "required": True, "no_log": True},
            "servers": {"type": "list", "elements": "str"},
            "lock_timeout": {"type": "float", "default": 60},
            "ready_timeout": {"type": "float", "default": 60},
            **CHARGE,
        },
        supports_check_mode=True,
    )
    try:
        restored = run(module)
    except FleetError as error:
        module.fail_json(msg=str(error), plan=[])
    if restored is None:
        module.exit_json(changed=True, plan=UNPREPARED)
    result = result_of(restored, module)
    if restored.failed:
        module.fail_json(msg="; ".join(str(error) for error in restored.failed.values()), **result)
    module.exit_json(**result)


def run(module: AnsibleModule) -> Restored | None:
    """Restore; None in check mode on a host that could not look at the backup yet."""
    given = module.params
    require_waits(given, "lock_timeout")
    require_time_limits(given, "ready_timeout")
    # Who runs a server is not who installs it: files say by themselves who may read them.
    os.umask(0o022)
    if module.check_mode and not Path(given["config"]).exists():
        return None
    layout = read_host(module)
    if not HAS_PYRAGE:
        try:
            cure = "Run the playbook restore, or the role host with host_backup true; it installs it."
            need(module, layout, "pyrage", "decrypt a backup", cure)
        except FleetError:
            if module.check_mode:
                return None
            raise
    restore = Restore(
        open_host(layout, Effects()),
        given["host"],
        given["servers"],
        given["lock_timeout"],
        given["ready_timeout"],
        charge_of(module),
    )
    return restore.run(Path(given["archive"]), Identity(given["identity"]), apply=not module.check_mode)


def result_of(restored: Restored, module: AnsibleModule) -> dict[str, Any]:
    """The module's result."""
    plan, failed = restored.plan, restored.failed
    if restored.unrecorded:
        module.warn(f"the audit is not as it should be: {restored.unrecorded}")
    result: dict[str, Any] = {
        "changed": bool(plan.lines()),
        "plan": plan.lines(),
        "made": restored.contents.head["made"],
        "audit": restored.contents.head.get("audit"),
        "servers": {
            part.name: {
                "package": part.active.package,
                "slot": part.slot,
                "generation": part.generation,
                "problem": str(failed[part.name]) if part.name in failed else None,
            }
            for part in (*plan.serving, *plan.lacking)
        },
    }
    if module._diff:
        before = [f"{part.name} serves: {part.active.package}" for part in plan.serving]
        after = [
            f"{part.name} serves: {part.active.package}" for part in plan.lacking if part.name not in failed
        ]
        result["diff"] = {
            "before": "".join(f"{line}\n" for line in sorted(before)),
            "after": "".join(f"{line}\n" for line in sorted(before + after)),
        }
    return result


if __name__ == "__main__":
    main()
