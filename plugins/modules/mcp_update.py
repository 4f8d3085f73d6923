#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_update
short_description: Update an MCP server without its clients noticing
version_added: 0.1.0
description:
  - Brings one release of one MCP server into service on a host, beside the release that serves, and goes back
    by itself when anything is wrong with it.
  - The new release is installed into a directory of its own, started in the idle slot, proven with real MCP
    traffic, switched to in one step, watched (baked), and the old slot is stopped when its sessions
    have ended.
  - Killed at any point, the next run finishes or undoes what was begun.
  - In check mode a host that the role P(mcpops.fleet.host#role) has yet to prepare is taken for an empty one.
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
  server:
    description:
      - The definition of the server, as in the inventory; C(docs/definition.md) in the collection has all
        keys.
      - Keys are C(name), C(package) (C(registry_type), C(identifier), C(version)), C(transport),
        C(arguments), C(environment), C(command), C(path), C(route), C(ports), C(serve), C(bridge),
        C(require), C(service), C(update), C(protected).
      - With O(state=absent) C(name), C(transport) and, where it is set, C(serve) are enough.
    type: dict
    required: true
  credentials:
    description:
      - Environment variables of the server that are secret, name to value.
      - They are handed to the process in a file that only its user can read, never in its arguments.
    type: dict
    default: {}
  state:
    description:
      - V(present) brings the defined release into service, as far as O(phase).
      - V(rolled_back) goes back from an update that is under way, or from the last one. Done twice it changes
        nothing the second time. It is always allowed, and on record.
      - V(absent) takes the server off the host. Its releases stay.
    type: str
    choices: [present, rolled_back, absent]
    default: present
  phase:
    description:
      - How far O(state=present) goes. Each phase includes those before it.
      - V(staged) installs, starts and proves the release in the idle slot; no client reaches it.
      - V(active) switches new clients to it and bakes.
      - V(settled) waits for the sessions of the old slot, and stops it.
    type: str
    choices: [staged, active, settled]
    default: settled
  unfinished_only:
    description:
      - With O(state=rolled_back), go back only from an update that is under way. For rescue blocks.
    type: bool
    default: false
  generation:
    description:
      - With O(unfinished_only=true), go back only from the update whose C(generation) RV(transaction) says.
      - Another run may have begun one of its own meanwhile; V(0) is none.
    type: int
  lock_timeout:
    description:
      - Seconds to wait for another run on the same server of the same host.
      - With V(0) it does not wait; at most 86400 (a day).
    type: float
    default: 60
  release_source:
    description:
      - Where a release that is not installed yet comes from.
      - V(registry) lets the host resolve and fetch it.
      - V(controller) ships it. The controller resolves and fetches once, into a bundle (see
        M(mcpops.fleet.mcp_release)); the host asks no registry.
    type: str
    choices: [registry, controller]
    default: registry
  release_folder:
    description:
      - The controller's folder of bundles, with O(release_source=controller). What it lacks is made there.
    type: str
    default: ~/.cache/mcpops/bundles
  lock:
    description:
      - Whether the release is installed from its lock in O(lock_folder), which M(mcpops.fleet.mcp_lock) made.
      - V(auto) uses a lock where there is one; where there is none, RV(unchecked) says what was not checked.
        A package of which another version is locked is refused.
      - V(required) refuses a server without a lock.
      - V(off) looks at no lock.
      - A release that is installed with other artifacts than those of the lock is another release. So a
        changed lock of the same version is an update.
    type: str
    choices: [auto, required, 'off']
    default: auto
  lock_folder:
    description:
      - The controller's folder of locks. Without it there are none.
    type: str
  lock_content:
    description:
      - The locks themselves. The controller's part of this module sets it from O(lock_folder).
      - Not secret, but long, so no log shows it.
    type: str
  bundle:
    description:
      - Ship this bundle of the controller at once, and do not ask the host first whether it needs one.
      - Implies O(release_source=controller).
    type: path
seealso:
  - module: mcpops.fleet.mcp_audit
  - module: mcpops.fleet.mcp_health
  - module: mcpops.fleet.mcp_lock
  - module: mcpops.fleet.mcp_release
  - module: mcpops.fleet.mcp_server_info
"""

EXAMPLES = r"""
- name: Update the server
  mcpops.fleet.mcp_update:
    server:
      name: everything
      package:
        registry_type: npm
        identifier: "@modelcontextprotocol/server-everything"
        version: 2026.8.31
      transport: streamable-http
      arguments: [streamableHttp]
      environment:
        PORT: "{port}"
      require:
        tools: [echo]

- name: Update a protected server
  mcpops.fleet.mcp_update:
    server: "{{ everything }}"
    approve: ["everything@2026.8.31"]

- name: Go back to the release before
  mcpops.fleet.mcp_update:
    server: "{{ everything }}"
    state: rolled_back
"""

RETURN = r"""
server:
  description: Name of the server.
  type: str
  returned: always
plan:
  description: What was to be done, or in check mode would be done, in order.
  type: list
  elements: str
  returned: always
refused:
  description: In check mode, why a run would not be allowed to do it, and what it takes.
  type: str
  returned: always
audit:
  description:
    - The last line of the host's audit, by C(seq) and C(hash); whoever keeps it has a witness for
      M(mcpops.fleet.mcp_audit). C(problem) says what kept it from being read or written.
  type: dict
  returned: always
pending:
  description: Whether later phases have something to do.
  type: bool
  returned: always
active:
  description: The slot that new clients reach, its version, release, eras, tools and variables' names.
  type: dict
  returned: always
previous:
  description: The slot and version that a rollback returns to.
  type: dict
  returned: always
generation:
  description: The highest generation given out; it grows with each switch.
  type: int
  returned: always
transaction:
  description: What is under way, by kind, generation, step and slots; V(none) when nothing is.
  type: dict
  returned: always
last:
  description: How the last change ended, with reason and evidence where it failed.
  type: dict
  returned: always
steps:
  description: Steps done by this run, with seconds.
  type: list
  elements: dict
  returned: always
switch_ms:
  description: Milliseconds from the first write of the switch until HAProxy confirmed it.
  type: float
  returned: always
drained:
  description:
    - Sessions of the old slot that ended by themselves, sessions and requests that were cut, seconds.
  type: dict
  returned: always
contract:
  description:
    - How what the new release offers differs from what the one in service does.
    - In check mode it is there with C(--diff), for which the new release is installed into a scratch folder,
      started there, asked, and removed again.
  type: dict
  returned: always; V(none) when no release was proven
  contains:
    verdict:
      description:
        - V(identical), V(described differently), V(compatible) or V(breaking).
        - V(not compared) for a first release.
      type: str
      returned: always
    digest:
      description: The digest of the new contract, which C(update.approved) takes.
      type: str
      returned: always
    added:
      description: What is new, each with C(item), C(weight) and C(reason).
      type: list
      elements: dict
      returned: always
    removed:
      description: What is gone, likewise.
      type: list
      elements: dict
      returned: always
    changed:
      description: What is another, likewise; an item is there once for each reason.
      type: list
      elements: dict
      returned: always
    breaking:
      description: What clients can no longer rely on, in sentences.
      type: list
      elements: str
      returned: always
    described:
      description: What a model reads instead, in sentences.
      type: list
      elements: str
      returned: always
    hidden:
      description: Where hidden characters are new, with their code points.
      type: list
      elements: str
      returned: always
    differences:
      description: All of it, a line for each difference.
      type: list
      elements: str
      returned: always
bundle_wanted:
  description:
    - The bundle without which the release cannot be installed, by C(package) and C(target).
    - Outside check mode it is shipped within the task, so it is not seen there.
  type: dict
  returned: in check mode, with O(release_source=controller), when the release is not installed
unchecked:
  description: What was not checked, a line each. Empty with a lock.
  type: list
  elements: str
  returned: with O(state=present)
contract_problem:
  description:
    - In check mode with a difference, why the new contract could not be looked at; V(none) when it could.
  type: str
  returned: always
artifacts:
  description:
    - In check mode with a difference, how the artifacts that the lock names differ from those of the release
      in service, a line for each package.
    - V(none) where that is not known, as without a lock.
  type: list
  elements: str
  returned: always
eras_in_use:
  description:
    - Which eras clients used at the edge of this host within C(update.era_in_use) days, as for
      M(mcpops.fleet.mcp_server_info). An update that drops one of them is not made.
    - V(none) where that was not looked at.
  type: dict
  returned: always
rolled_back:
  description: Whether this run went back.
  type: bool
  returned: always
reason:
  description: Why it went back.
  type: str
  returned: always
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.definition.parse import parse, parse_name
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_waits
from ..module_utils.module import (
    CHARGE,
    charge_of,
    foresee_unprepared,
    open_for,
    require_apart,
    result_of,
)
from ..module_utils.release.locks import loads
from ..module_utils.update.converge import Converger
from ..module_utils.update.foresee import foresee_artifacts, foresee_contract
from ..module_utils.update.host import package_of
from ..module_utils.update.outcome import Outcome, UpdateFailed


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "server": {"type": "dict", "required": True},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
            "state": {"type": "str", "choices": ["present", "rolled_back", "absent"], "default": "present"},
            "phase": {"type": "str", "choices": ["staged", "active", "settled"], "default": "settled"},
            "unfinished_only": {"type": "bool", "default": False},
            "generation": {"type": "int"},
            "lock_timeout": {"type": "float", "default": 60},
            "release_source": {"type": "str", "choices": ["registry", "controller"], "default": "registry"},
            "release_folder": {"type": "str", "default": "~/.cache/mcpops/bundles"},
            "lock": {"type": "str", "choices": ["auto", "required", "off"], "default": "auto"},
            "lock_folder": {"type": "str"},
            "lock_content": {"type": "str", "no_log": True},
            "bundle": {"type": "path"},
            **CHARGE,
        },
        supports_check_mode=True,
    )
    try:
        outcome, wanted = run(module)
    except UpdateFailed as error:
        module.fail_json(msg=str(error), **{**result_of(error.outcome, module), "changed": True})
    except FleetError as error:
        module.fail_json(msg=str(error))
    result = result_of(outcome, module)
    if wanted:
        # Nothing was done; the action plugin ships the bundle and calls again.
        result = {**result, "changed": module.check_mode, "bundle_wanted": wanted}
    module.exit_json(**result)


def run(module: AnsibleModule) -> tuple[Outcome, dict[str, Any] | None]:
    """Do what the options ask for; or say which bundle is wanted before that can be done."""
    require_apart(module)
    require_waits(module.params, "lock_timeout")
    state, apply = module.params["state"], not module.check_mode
    read = parse_name if state == "absent" else parse
    definition = read(module.params["server"], module.params["credentials"])
    charge = charge_of(module)
    if module.check_mode and not os.path.exists(module.params["config"]):
        return foresee_unprepared(definition, state, module.params["phase"], charge), None
    host = open_for(module, definition)
    if state == "present" and module.params["lock_content"]:
        host = replace(host, releases=host.releases.locked(loads(module.params["lock_content"])))
    bundle = module.params["bundle"]
    registry = module.params["release_source"] == "registry"
    from_controller = not registry or definition.source is not None
    if bundle or from_controller:
        shipped = host.releases.shipped(
            Path(bundle) if bundle else None, registry=registry and definition.source is not None
        )
        host = replace(host, releases=shipped)
    converger = Converger(host, definition, module.params["lock_timeout"], charge)
    if state == "absent":
        return converger.absent(apply), None
    if state == "rolled_back":
        only, generation = module.params["unfinished_only"], module.params["generation"]
        return converger.rolled_back(only, apply, generation), None
    look = module.check_mode and module._diff
    if from_controller and not bundle:
        foreseen = Converger(host, definition, 0, charge).present(module.params["phase"], apply=False)
        if "staged" in foreseen.plan.steps and foreseen.refused is None:
            wanted = host.releases.wanted(package_of(definition))
            if wanted:
                foreseen.report.unseen = "the controller ships the release, and it is not here yet"
                if look:
                    foresee_artifacts(host, definition, foreseen)
                package = {**wanted["package"], "identifier": definition.source or definition.identifier}
                return foreseen, {**wanted, "package": package}
    outcome = converger.present(module.params["phase"], apply)
    if look:
        foresee_artifacts(host, definition, outcome)
        foresee_contract(host, definition, outcome)
    return outcome, None


if __name__ == "__main__":
    main()
