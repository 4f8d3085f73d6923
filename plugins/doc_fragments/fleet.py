# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Options that all modules of the collection share."""

    DOCUMENTATION = r"""
options:
  config:
    description:
      - The file in which the role P(mcpops.fleet.host#role) left what it installed on the host.
    type: path
    default: /etc/mcp/host.json
"""

    CHARGE = r"""
options:
  approve:
    description:
      - Changes of protected servers that are approved. C(NAME@VERSION) approves a change to that version, or
        of its configuration; C(NAME:absent) a removal; C(NAME:cleanup) that its releases are deleted;
        C(NAME:unprotected) that it is protected no more.
      - Where it is not given, it is C(mcp_approve) of the inventory or the command line.
    type: list
    elements: str
    default: []
  windows:
    description:
      - When changes may happen. C(docs/protection.md) in the collection has all keys.
      - Where it is not given, it is C(mcp_windows) of the inventory.
    type: list
    elements: raw
    default: []
  emergency:
    description:
      - The reason for which a change may happen outside all windows. It goes on record.
      - Where it is not given, it is C(mcp_emergency).
    type: raw
  reason:
    description:
      - Why the change is made, for the record.
      - Where it is not given, it is C(mcp_reason).
    type: str
  caller:
    description:
      - Who asks for the change. The controller fills it in (its user, the AWX job); what stands here is lost.
    type: dict
    default: {}
"""

    TOOLS = r"""
options:
  uv:
    description:
      - The program C(uv), which resolves packages of PyPI. Without it that beside Ansible's Python or on the
        path.
    type: path
  node:
    description:
      - The program C(node). Without it that on the path.
    type: path
  npm:
    description:
      - The program C(npm). Without it that on the path.
    type: path
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)),
      when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second
      invocation indicates no change.
  platform:
    description: Target OS/families that can be operated against.
    platforms: posix
"""
