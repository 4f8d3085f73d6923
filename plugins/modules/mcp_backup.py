#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_backup
short_description: Keep what a host serves in an encrypted file
version_added: 0.1.0
description:
  - Writes the state of all servers of a host, their slots with credentials, their routes, and the releases in
    use into one file, encrypted with age for public recipients, and reads it back.
  - What is under way is not in it. An update that has not passed its bake counts as not begun, one that has
    as done. Nobody has to wait for a backup, and it waits for nobody.
  - A server's own data (its data folder) is not in it.
  - When the newest backup holds the same already, for the same recipients, and its bytes are as they were
    written, nothing is done.
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
  host:
    description:
      - Name of the host, by which a restore knows whose backup it is. Give the inventory's.
    type: str
    required: true
  state:
    description:
      - V(present) makes a backup where the newest is not of what is served now.
      - V(verified) makes none, and looks at one that is there.
    type: str
    choices: [present, verified]
    default: present
  recipients:
    description:
      - Public keys of age (C(age1…)); each of their identities can read the backup. No secret key is needed.
    type: list
    elements: str
    default: []
  folder:
    description:
      - Folder of the host's backups. Without it C(backups) beside the folder of the journals.
    type: path
  keep:
    description:
      - How many backups of this host stay in O(folder), the newest; at least V(1).
    type: int
    default: 3
  archive:
    description:
      - The file to look at with O(state=verified). Without it the newest.
    type: path
  identity:
    description:
      - The content of a file with a secret key of age. With it the backup is decrypted and every member of it
        is looked at; without it only that its bytes are those that were written.
    type: str
seealso:
  - module: mcpops.fleet.mcp_restore
"""

EXAMPLES = r"""
- name: Back up what the host serves
  mcpops.fleet.mcp_backup:
    host: "{{ inventory_hostname }}"
    recipients: "{{ mcp_backup_recipients }}"

- name: See whether the newest backup could be restored
  mcpops.fleet.mcp_backup:
    host: "{{ inventory_hostname }}"
    state: verified
    identity: "{{ lookup('ansible.builtin.file', 'fleet.key') }}"
"""

RETURN = r"""
path:
  description: The backup; V(none) in check mode when one would be made.
  type: str
  returned: success
sha256:
  description: The hash of the file.
  type: str
  returned: success, when there is a file
size_bytes:
  description: The size of the file.
  type: int
  returned: success, when there is a file
servers:
  description: For each server in it the packages of its slots, the active slot first.
  type: dict
  returned: success
omitted:
  description: Servers of which nothing is in it, and why.
  type: dict
  returned: success
removed:
  description: Older backups that were removed.
  type: list
  elements: str
  returned: success
definitions:
  description:
    - The definitions of its servers, as far as a host has them, in the form of C(mcp_servers); of credentials
      their names.
  type: list
  elements: dict
  returned: with O(state=verified) and O(identity)
verified:
  description: V(contents) when all of it was decrypted and looked at, V(bytes) when its bytes were compared.
  type: str
  returned: success, when there is a file
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.audit.account import Who
from ..module_utils.backup.age import HAS_PYRAGE, Identity, Recipients, unreadable
from ..module_utils.backup.collect import collect
from ..module_utils.backup.keep import keep
from ..module_utils.backup.reading import Contents, read
from ..module_utils.backup.store import Store, Stored, noted, require_bytes
from ..module_utils.backup.written import definition_of
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.module import need, read_host
from ..module_utils.update.host import open_host


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "path", "default": "/etc/mcp/host.json"},
            "host": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "verified"], "default": "present"},
            "recipients": {"type": "list", "elements": "str", "default": []},
            "folder": {"type": "path"},
            "keep": {"type": "int", "default": 3},
            "archive": {"type": "path"},
            "identity": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def run(module: AnsibleModule) -> dict[str, Any]:
    """The module's result."""
    given = module.params
    if given["keep"] < 1:
        raise FleetError(
            f"keep {given['keep']} backups", "then there would be none", "Give 1 or more (mcp_backup_keep)."
        )
    layout = read_host(module)
    if not HAS_PYRAGE:
        cure = "Set mcp_backup_recipients in the inventory and run the role host (site), which installs it."
        need(module, layout, "pyrage", "encrypt a backup", cure)
    host = open_host(layout, Effects())
    store = Store(host.effects, Path(given["folder"] or layout.state.parent / "backups"), given["host"])
    identity = Identity(given["identity"]) if given["identity"] else None
    if given["state"] == "verified":
        return looked_at(store, given["archive"], given["host"], identity)
    recipients = Recipients(given["recipients"])
    collected = collect(host, given["host"])
    for server, why in collected.omitted.items():
        module.warn(f"{server} is not in the backup: {why}")
    for warning in collected.warnings:
        module.warn(warning)
    result: dict[str, Any] = {
        "servers": {part.name: part.packages() for part in collected.parts},
        "omitted": dict(collected.omitted),
        "removed": [],
    }
    stored = store.holding(collected, recipients)
    changed = stored is None
    if stored is None:
        if module.check_mode:
            return {"changed": True, "path": None, **result}
        kept = keep(host, store, collected, recipients, given["keep"], Who(host=given["host"]))
        if kept.problem:
            module.warn(f"the backup is not on record, and no old one was removed: {kept.problem}")
        stored = kept.stored
        result["removed"] = [str(path) for path in kept.removed]
    if identity is not None:
        contents_of(stored, given["host"], identity)
    return {"changed": changed, **result, **shown(stored, identity is not None)}


def looked_at(store: Store, archive: str | None, host: str, identity: Identity | None) -> dict[str, Any]:
    """The result for a backup that is there."""
    stored = noted(Path(archive)) if archive else next(iter(store.all()), None)
    if stored is None:
        raise FleetError("verify the newest backup", "there is none of this host", "Make one first.")
    if not stored.note and identity is None:
        raise unreadable(
            stored.path, "no note with its hash lies beside it", "Give the identity, to look at all of it."
        )
    if stored.note:
        require_bytes(stored)
    contents = contents_of(stored, host, identity) if identity else None
    return {
        "changed": False,
        **({"definitions": [definition_of(part) for part in contents.parts]} if contents else {}),
        "servers": stored.note.get("servers", {}),
        "omitted": stored.note.get("omitted", {}),
        "removed": [],
        **shown(stored, contents is not None),
    }


def contents_of(stored: Stored, host: str, identity: Identity) -> Contents:
    """All of it, looked at."""
    contents = read(stored.path, identity)
    if contents.head["host"] != host:
        raise unreadable(
            stored.path, f"it is of the host {contents.head['host']!r}, not of {host!r}", "Name that host."
        )
    return contents


def shown(stored: Stored, read_whole: bool) -> dict[str, Any]:
    """A backup in the result."""
    return {"path": str(stored.path), "verified": "contents" if read_whole else "bytes"} | (
        {"sha256": stored.sha256, "size_bytes": stored.size_bytes} if stored.note else {}
    )


if __name__ == "__main__":
    main()
