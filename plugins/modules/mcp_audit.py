#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_audit
short_description: Verify and read the record of what was changed on a host
version_added: 0.1.0
description:
  - Follows the chain of a host's audit. A line that was changed, cut off, moved or removed is named by file
    and line, and the module fails.
  - Returns lines that fit, and as text for export. Changes nothing.
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
  expected:
    description:
      - The last line of an earlier time, as RV(mcpops.fleet.mcp_update#module:audit) or RV(head) gave it.
      - It must still be in the chain, so that nobody can cut the end off or write all anew unseen.
    type: dict
    suboptions:
      seq:
        description: Its number.
        type: int
        required: true
      hash:
        description: Its hash.
        type: str
        required: true
  server:
    description: Only lines of this server.
    type: str
  action:
    description: Only lines of this action.
    type: str
    choices:
      - deploy
      - update
      - rollback
      - removal
      - restart
      - edge repair
      - protection
      - recovery
      - cleanup
      - backup
      - restore
  result:
    description: Only lines that tell of this end.
    type: str
    choices: [done, failed, undone]
  since:
    description: Only lines from then on; ISO 8601, UTC where it has no zone.
    type: str
  until:
    description: Only lines until then; a day alone is meant to its end.
    type: str
  limit:
    description: The last so many lines of those that fit; V(0) gives none, and only verifies.
    type: int
    default: 100
  format:
    description: Give the lines as text too, in RV(export).
    type: str
    choices: [jsonl, csv]
seealso:
  - module: mcpops.fleet.mcp_update
"""

EXAMPLES = r"""
- name: Is the record whole?
  mcpops.fleet.mcp_audit:
    limit: 0

- name: What happened to a server since Monday
  mcpops.fleet.mcp_audit:
    server: time
    since: "2026-10-19"
  register: history

- name: Compare with what was seen last time
  mcpops.fleet.mcp_audit:
    expected: {seq: 42, hash: 0d5f…}
"""

RETURN = r"""
valid:
  description: Whether all lines are there, unchanged and in order.
  type: bool
  returned: always
problems:
  description: What is wrong, each with file and line.
  type: list
  elements: str
  returned: always
head:
  description: The last line, by C(seq) and C(hash).
  type: dict
  returned: always
lines:
  description: Number of lines in the chain.
  type: int
  returned: always
files:
  description: Names of the files, the oldest first.
  type: list
  elements: str
  returned: always
torn:
  description: Lines in which a run was killed, and of which the next line tells. They are no problem.
  type: int
  returned: always
unfinished:
  description: Changes of which nothing says how they ended, as by a run that is at work or was killed.
  type: list
  elements: dict
  returned: always
records:
  description: The lines that fit, in order.
  type: list
  elements: dict
  returned: always
export:
  description: The same as text; V(none) without O(format).
  type: str
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.audit.chain import check
from ..module_utils.audit.line import Head
from ..module_utils.audit.query import Query, exported, moment, open_changes, shown
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.module import read_host
from ..module_utils.update.host import trail_of

ACTIONS = [
    "deploy", "update", "rollback", "removal", "restart", "edge repair", "protection", "recovery", "cleanup",
    "backup", "restore",
]  # fmt: skip


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "expected": {
                "type": "dict",
                "options": {
                    "seq": {"type": "int", "required": True},
                    "hash": {"type": "str", "required": True},
                },
            },
            "server": {"type": "str"},
            "action": {"type": "str", "choices": ACTIONS},
            "result": {"type": "str", "choices": ["done", "failed", "undone"]},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "limit": {"type": "int", "default": 100},
            "format": {"type": "str", "choices": ["jsonl", "csv"]},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if result["valid"]:
        module.exit_json(changed=False, **result)
    folder = str(read_host(module).state / "audit")
    said = "; ".join(result["problems"][:5])
    module.fail_json(
        msg=f"verify the audit in {folder}: {said}. Compare it with a copy that was kept elsewhere.", **result
    )


def run(module: AnsibleModule) -> dict[str, Any]:
    """What the options ask for."""
    params = module.params
    since = moment(params["since"], "since") if params["since"] else None
    until = moment(params["until"], "until", end=True) if params["until"] else None
    expected = Head(**params["expected"]) if params["expected"] else None
    parts = trail_of(read_host(module), Effects()).parts()
    chain = check(parts, expected)
    query = Query(params["server"], params["action"], params["result"], since, until)
    fitting = query.select(chain.lines)
    records = fitting[max(0, len(fitting) - params["limit"]) :] if params["limit"] > 0 else []
    return {
        "valid": not chain.problems,
        "problems": [str(problem) for problem in chain.problems],
        "head": chain.head.to_json(),
        "lines": len(chain.lines),
        "files": [part.name for part in parts],
        "torn": chain.torn,
        "unfinished": [shown(line) for line in open_changes(chain.lines)],
        "records": [shown(line) for line in records],
        "export": exported(records, params["format"]) if params["format"] else None,
    }


if __name__ == "__main__":
    main()
