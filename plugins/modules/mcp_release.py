#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_release
short_description: Fetch all that a release is installed from into one file
version_added: 0.1.0
description:
  - Resolves a package version and fetches it with all its dependencies into a bundle, from which hosts
    install without a network.
  - It runs where the registries can be reached, usually on the controller (C(delegate_to=localhost)).
  - A bundle that is there and fits is left as it is. Its every byte is looked at; a damaged one is made anew.
  - As few bundles as possible are made. One for an older Python or C library serves hosts with newer ones, so
    that they all get the same release.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
  - mcpops.fleet.fleet.attributes
  - mcpops.fleet.fleet.tools
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
  package:
    description:
      - The package, as in the definition of a server.
    type: dict
    required: true
    suboptions:
      registry_type:
        description:
          - Its kind. Images (V(oci)) cannot be shipped, and are refused.
        type: str
        choices: [npm, pypi, local, mcpb, oci]
        required: true
      identifier:
        description:
          - Its name there; of V(local) and V(mcpb) where it is found.
        type: str
        required: true
      version:
        description:
          - One exact version.
        type: str
        required: true
      sha256:
        description:
          - The hash of its content, for V(mcpb) and V(local); of V(local) without it that which it has now.
        type: str
  targets:
    description:
      - The hosts that it is for. What is not given is as on the machine on which the module runs.
      - Several entries that are equal count once.
    type: list
    elements: dict
    default: [{}]
    suboptions:
      python:
        description:
          - The Python with which the host's releases run, such as V(3.11.7).
          - A host needs the same minor version, and this patch or a newer one. It does not matter for npm.
        type: str
      machine:
        description:
          - The processor, as C(uname -m) says it, such as V(x86_64) or V(aarch64).
        type: str
      libc:
        description:
          - The C library, such as V(glibc 2.36) or V(musl 1.2).
        type: str
  folder:
    description:
      - Where bundles are kept, and under C(.archives) what the tools fetched.
    type: path
    default: ~/.cache/mcpops/bundles
  lock_folder:
    description:
      - The folder of locks (see M(mcpops.fleet.mcp_lock)). A locked package is fetched as its lock says.
    type: path
  python:
    description:
      - A Python with pip, which fetches wheels. Without it that on which the module runs.
    type: path
  timeout:
    description:
      - Seconds for resolving and fetching one bundle, at most 86400 (a day).
    type: float
    default: 600
seealso:
  - module: mcpops.fleet.mcp_lock
  - module: mcpops.fleet.mcp_update
"""

EXAMPLES = r"""
- name: Carry a release to hosts without a network
  mcpops.fleet.mcp_release:
    package:
      registry_type: pypi
      identifier: mcp-server-time
      version: 2026.8.18
    targets:
      - python: 3.11.2
        machine: x86_64
        libc: glibc 2.36
      - python: 3.12.3
        machine: aarch64
        libc: glibc 2.39
    folder: /srv/bundles
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
bundles:
  description: One entry for each different target, in the order in which they were given.
  type: list
  elements: dict
  returned: always
  contains:
    target:
      description: The target, by C(python), C(machine) and C(libc).
      type: dict
      returned: always
    path:
      description: Its bundle; V(none) when it could not be made, or is not there in check mode.
      type: str
      returned: always
    digest:
      description: The digest of the release that is installed from it, as in its manifest on every host.
      type: str
      returned: when there is a bundle
    size_bytes:
      description: Bytes of the file.
      type: int
      returned: when there is a bundle
    artifacts:
      description: How many archives it holds.
      type: int
      returned: when there is a bundle
    needs:
      description: What its archives need of a host, by C(python), C(machine) and C(libc); V(none) for any.
      type: dict
      returned: when there is a bundle
    problem:
      description: Why there is none.
      type: str
      returned: when it could not be made
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.definition.package import parse_package
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_time_limits
from ..module_utils.release.bundle import Bundle
from ..module_utils.release.bundles import TOOLS, Bundles, target_here, tools_of
from ..module_utils.release.contents import located
from ..module_utils.release.locks import Locks, choose
from ..module_utils.release.target import Target

_PACKAGE = {
    "registry_type": {"type": "str", "choices": ["npm", "pypi", "local", "mcpb", "oci"], "required": True},
    "identifier": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "sha256": {"type": "str"},
}
_TARGET = {"python": {"type": "str"}, "machine": {"type": "str"}, "libc": {"type": "str"}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "package": {"type": "dict", "required": True, "options": _PACKAGE},
            "targets": {"type": "list", "elements": "dict", "default": [{}], "options": _TARGET},
            "folder": {"type": "path", "default": "~/.cache/mcpops/bundles"},
            "lock_folder": {"type": "path"},
            **TOOLS,
            "python": {"type": "path"},
            "timeout": {"type": "float", "default": 600},
        },
        supports_check_mode=True,
    )
    try:
        changed, entries = run(module)
    except (FleetError, OSError) as error:
        module.fail_json(msg=str(error), bundles=[])
    problems = list(dict.fromkeys(entry["problem"] for entry in entries if "problem" in entry))
    if problems:
        module.fail_json(msg=" ".join(problems), changed=changed, bundles=entries)
    module.exit_json(changed=changed, bundles=entries)


def run(module: AnsibleModule) -> tuple[bool, list[dict[str, Any]]]:
    """Make what is missing, for the oldest targets first: what fits them may fit others."""
    options, effects = module.params, Effects()
    require_time_limits(options, "timeout")
    given = {key: value for key, value in options["package"].items() if value is not None}
    named = parse_package("mcp_release", given)
    package = located(*named.parts())
    targets = list(dict.fromkeys(target_here(effects, Target(**given)) for given in options["targets"]))
    tools = tools_of(options)
    bundles = Bundles(effects, Path(options["folder"]), tools)
    locks = Locks(Path(options["lock_folder"])).find(package) if options["lock_folder"] else []
    changed, entries = False, {}
    for target in sorted(targets, key=Target.age):
        try:
            lock = choose(locks, target)
            if module.check_mode:
                found = bundles.find(package, target, lock=lock)
                made = found is None
            else:
                found, made = bundles.make(
                    package, target, timeout=options["timeout"], lock=lock, source=named.source
                )
        except FleetError as error:
            entries[target] = {"target": target.to_json(), "path": None, "problem": str(error)}
        else:
            changed = changed or made
            entries[target] = {
                "target": target.to_json(),
                "path": None,
                **(described(found) if found else {}),
            }
    return changed, [entries[target] for target in targets]


def described(bundle: Bundle) -> dict[str, Any]:
    """A bundle as the module's result has it."""
    return {
        "path": str(bundle.path),
        "digest": bundle.closure.digest,
        "size_bytes": bundle.path.stat().st_size,
        "artifacts": len(bundle.artifacts),
        "needs": bundle.needs.to_json(),
    }


if __name__ == "__main__":
    main()
