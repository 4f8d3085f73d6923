#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_lock
short_description: Resolve servers to exact versions and hashes, kept beside the inventory
version_added: 0.2.0
description:
  - Writes a lock for each package version and kind of host. It has the exact version and the hashes of every
    artifact that a release is made of, and when each was published.
  - With a lock, M(mcpops.fleet.mcp_update) and M(mcpops.fleet.mcp_release) resolve nothing anew.
  - It runs where the registries can be reached, on the controller (C(delegate_to=localhost)). Several
    packages are resolved at the same time.
  - A lock that is there, fits and is old enough is left as it is, and no registry is asked.
author:
  - mcpops.fleet contributors (@mcpops)
extends_documentation_fragment:
  - mcpops.fleet.fleet.attributes
  - mcpops.fleet.fleet.tools
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
options:
  servers:
    description:
      - What to lock. Equal packages are locked once for each kind of host.
    type: list
    elements: dict
    required: true
    suboptions:
      server:
        description:
          - The server's name, for errors.
        type: str
        required: true
      package:
        description:
          - Its package, as in the definition of a server.
        type: dict
        required: true
        suboptions:
          registry_type:
            description:
              - Its registry.
            type: str
            choices: [npm, pypi]
            required: true
          identifier:
            description:
              - Its name there.
            type: str
            required: true
          version:
            description:
              - One exact version.
            type: str
            required: true
      target:
        description:
          - The host that it is for, as M(mcpops.fleet.mcp_target_info) says it. What is not given is as on
            the machine on which the module runs.
          - Of hosts of one kind (minor version of Python, processor, kind of C library) the oldest counts.
        type: dict
        suboptions:
          python:
            description:
              - The Python with which the host's releases run, such as V(3.11.7). It does not matter for npm.
            type: str
          machine:
            description:
              - The processor, as C(uname -m) says it.
            type: str
          libc:
            description:
              - The C library, such as V(glibc 2.36) or V(musl 1.2).
            type: str
  folder:
    description:
      - Where locks are kept, to be committed.
    type: path
    required: true
  minimum_age:
    description:
      - Days that everything in a lock must have been published. Of what a server depends on, older versions
        are taken; a server whose own version is younger is refused.
    type: float
    default: 0
  refresh:
    description:
      - Resolve also what has a good lock, so that newer versions of dependencies get in.
    type: bool
    default: false
  at_once:
    description:
      - How many are resolved at the same time.
    type: int
    default: 10
  cache:
    description:
      - Where the tools keep what they fetched, in check mode too; nothing else is written then.
    type: path
    default: ~/.cache/mcpops/bundles/.archives
  timeout:
    description:
      - Seconds for resolving one package, at most 86400 (a day).
    type: float
    default: 600
seealso:
  - module: mcpops.fleet.mcp_target_info
  - module: mcpops.fleet.mcp_update
  - module: mcpops.fleet.mcp_release
"""

EXAMPLES = r"""
- name: Lock a server for two kinds of host
  mcpops.fleet.mcp_lock:
    servers:
      - server: time
        package: &time
          registry_type: pypi
          identifier: mcp-server-time
          version: 2026.8.18
        target: {python: 3.11.2, machine: x86_64, libc: glibc 2.36}
      - server: time
        package: *time
        target: {python: 3.12.3, machine: aarch64, libc: glibc 2.39}
    folder: "{{ inventory_dir }}/locks"
    minimum_age: 7
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
locks:
  description: One entry for each lock.
  type: list
  elements: dict
  returned: always
  contains:
    servers:
      description: Names of the servers that it is for.
      type: list
      elements: str
      returned: always
    package:
      description: The package, with its version.
      type: str
      returned: always
    path:
      description: The file.
      type: str
      returned: always
    changed:
      description: Whether it was written, or in check mode would be.
      type: bool
      returned: always
    digest:
      description: The digest of the release that is installed from it, as in its manifest on every host.
      type: str
      returned: when there is a lock
    artifacts:
      description: How many artifacts it has.
      type: int
      returned: when there is a lock
    published:
      description: When the youngest of them was published; V(none) where no registry says.
      type: str
      returned: when there is a lock
    undated:
      description: Artifacts whose age could not be checked, as no registry says when they were published.
      type: list
      elements: str
      returned: when there is a lock
    problem:
      description: Why there is none; a lock that was there is as it was.
      type: str
      returned: when it could not be made
summary:
  description: The same, a line for each.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_time_limits
from ..module_utils.release.bundles import TOOLS, target_here, tools_of
from ..module_utils.release.locker import Locked, Locker, Terms, oldest
from ..module_utils.release.locks import Locks
from ..module_utils.release.package import Package
from ..module_utils.release.target import Target

_PACKAGE = {
    "registry_type": {"type": "str", "choices": ["npm", "pypi"], "required": True},
    "identifier": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
}
_TARGET = {"python": {"type": "str"}, "machine": {"type": "str"}, "libc": {"type": "str"}}
_SERVER = {
    "server": {"type": "str", "required": True},
    "package": {"type": "dict", "required": True, "options": _PACKAGE},
    "target": {"type": "dict", "options": _TARGET},
}


@dataclass(frozen=True)
class Wanted:
    """A lock that is wanted: its file, for which servers, of what, for which hosts."""

    path: Path
    servers: tuple[str, ...]
    package: Package
    target: Target


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "dict", "required": True, "options": _SERVER},
            "folder": {"type": "path", "required": True},
            "minimum_age": {"type": "float", "default": 0},
            "refresh": {"type": "bool", "default": False},
            "at_once": {"type": "int", "default": 10},
            "cache": {"type": "path", "default": "~/.cache/mcpops/bundles/.archives"},
            **TOOLS,
            "timeout": {"type": "float", "default": 600},
        },
        supports_check_mode=True,
    )
    try:
        entries, diffs = run(module)
    except (FleetError, OSError) as error:
        module.fail_json(msg=str(error), locks=[], summary=[])
    result: dict[str, Any] = {
        "changed": any(entry["changed"] for entry in entries),
        "locks": entries,
        "summary": [line(entry, module.params["minimum_age"], module.check_mode) for entry in entries],
    }
    if module._diff:
        result["diff"] = diffs
    problems = list(dict.fromkeys(entry["problem"] for entry in entries if "problem" in entry))
    if problems:
        module.fail_json(msg=" ".join(problems), **result)
    module.exit_json(**result)


def run(module: AnsibleModule) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Make the locks that are wanted; what fails is told with the others."""
    options, effects = module.params, Effects()
    require_time_limits(options, "timeout")
    if not 1 <= options["at_once"] <= 64 or not 0 <= options["minimum_age"] <= 36500:
        raise FleetError(
            "lock",
            f"at_once is {options['at_once']}, minimum_age is {options['minimum_age']:g}",
            "Give 1 to 64 for the first, and days, 0 to 36500, for the second.",
        )
    locks = Locks(Path(options["folder"]))
    terms = Terms(datetime.now(timezone.utc), options["minimum_age"], options["refresh"], options["timeout"])
    tools = tools_of(options)
    locker = Locker(effects, locks, Path(options["cache"]), tools, terms)
    jobs = wanted(locks, options["servers"], lambda given: target_here(effects, given))
    effects.make_directory(Path(options["cache"]))

    def attempt(job: Wanted) -> Locked | FleetError:
        try:
            return locker.lock(job.package, job.target, write=not module.check_mode)
        except FleetError as error:
            return error.on(", ".join(job.servers))

    with ThreadPoolExecutor(options["at_once"]) as pool:
        results = list(pool.map(attempt, jobs))
    made = [(job, result) for job, result in zip(jobs, results) if isinstance(result, Locked)]
    diffs = [
        {
            "before_header": f"{result.path.name} (before)",
            "after_header": f"{result.path.name} (after)",
            "before": result.before,
            "after": result.after,
        }
        for _job, result in made
        if result.changed
    ]
    return [described(job, result) for job, result in zip(jobs, results)], diffs


def wanted(locks: Locks, servers: list[Mapping[str, Any]], here: Callable[[Target], Target]) -> list[Wanted]:
    """The locks that are wanted: for each package and kind of host one, for the oldest host of that kind."""
    found: dict[Path, Wanted] = {}
    for given in servers:
        package = Package(**given["package"])
        target = here(Target(**(given["target"] or {})))
        path = locks.path(package, target)
        other = found.get(path)
        names = {given["server"], *(other.servers if other else ())}
        targets = [target, *([other.target] if other else [])]
        found[path] = Wanted(path, tuple(sorted(names)), package, oldest(targets))
    return [found[path] for path in sorted(found)]


def described(job: Wanted, result: Locked | FleetError) -> dict[str, Any]:
    """A lock as the module's result has it."""
    entry: dict[str, Any] = {
        "servers": list(job.servers),
        "package": str(job.package),
        "path": str(job.path),
        "changed": False,
    }
    if isinstance(result, FleetError):
        return {**entry, "problem": str(result)}
    times = [time for time in result.lock.published.values() if time]
    return {
        **entry,
        "changed": result.changed,
        "digest": result.lock.closure.digest,
        "artifacts": len(result.lock.closure.artifacts),
        "published": max(times, default=None),
        "undated": result.undated,
    }


def line(entry: Mapping[str, Any], minimum_age: float, foreseen: bool) -> str:
    """A lock in a line."""
    subject = f"{', '.join(entry['servers'])}: {entry['package']}"
    if "problem" in entry:
        return f"{subject}: NOT LOCKED: {entry['problem']}"
    age = f"the youngest of {entry['published']}" if entry["published"] else "ages unknown"
    how = "ok" if not entry["changed"] else "would be locked" if foreseen else "locked"
    text = f"{subject}: {how}, {entry['artifacts']} artifacts, {age}"
    if minimum_age and entry["undated"]:
        names = ", ".join(entry["undated"][:3])
        more = " and others" if len(entry["undated"]) > 3 else ""
        text += f"; age NOT CHECKED (no registry says when they were published): {names}{more}"
    return text


if __name__ == "__main__":
    main()
