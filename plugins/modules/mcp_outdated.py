#!/usr/bin/python
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_outdated
short_description: Ask registries for newer versions of MCP servers
version_added: 0.1.0
description:
  - Compares the versions that run with what their registries offer. Says what is newest, when each was
    published, and what is deprecated or withdrawn.
  - Runs on the controller, once for a whole fleet (C(delegate_to=localhost), C(run_once)), and changes
    nothing.
  - npm is asked by npm itself. Indexes of Python packages are those that uv is configured for. So mirrors,
    private registries, proxies and credentials of the user who runs it hold.
  - What could not be asked is V(not checked), with the reason, and never V(newest).
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
    platforms: linux
options:
  servers:
    description:
      - What each host runs.
    type: list
    elements: dict
    required: true
    suboptions:
      server:
        description: Name of the server.
        type: str
        required: true
      host:
        description: Name of the host.
        type: str
        required: true
      registry_type:
        description: Kind of its package.
        type: str
        required: true
      identifier:
        description: Name of its package.
        type: str
        required: true
      version:
        description: The version that serves; none when nothing does.
        type: str
      problem:
        description: Why it is not known which version serves, where it is not.
        type: str
      defined:
        description: The version that the inventory names.
        type: str
      given:
        description: Names of the environment variables that the running one was given.
        type: list
        elements: str
        default: []
      required:
        description: Names of those that the version of O(servers[].defined) requires, where that is known.
        type: list
        elements: str
  lock_folder:
    description:
      - The folder of the inventory's locks, where it has any.
    type: path
  parallel:
    description:
      - Questions at a time.
    type: int
    default: 8
  timeout:
    description:
      - Seconds for each question, at most 86400 (a day).
    type: float
    default: 30
seealso:
  - module: mcpops.fleet.mcp_server_info
"""

EXAMPLES = r"""
- name: See whether there is something newer
  mcpops.fleet.mcp_outdated:
    servers:
      - server: time
        host: node1
        registry_type: pypi
        identifier: mcp-server-time
        version: 2026.8.18
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
servers:
  description: One entry for each server and version that runs, by name.
  type: list
  elements: dict
  returned: success
  contains:
    server:
      description: Its name.
      type: str
      returned: success
    registry_type:
      description: Kind of its package.
      type: str
      returned: success
    identifier:
      description: Name of its package.
      type: str
      returned: success
    hosts:
      description: Hosts on which that version serves.
      type: list
      elements: str
      returned: success
    running:
      description: The version that serves, when it was C(published), and its C(age_days).
      type: dict
      returned: success
    defined:
      description: The versions that the inventory names there.
      type: list
      elements: str
      returned: success
    locked:
      description: The versions that its lock has.
      type: list
      elements: str
      returned: success
    status:
      description: V(newest), V(outdated), V(not checked) or V(not running).
      type: str
      returned: success
    problem:
      description: Why it was not checked.
      type: str
      returned: success
    newest:
      description: The newest stable version (where there is none, the newest at all), as C(running).
      type: dict
      returned: success
    newest_at_all:
      description: The newest version, those before a release included, as C(running).
      type: dict
      returned: success
    notices:
      description: What is said against the running version, the newest, or the package.
      type: list
      elements: str
      returned: success
    environment:
      description:
        - Environment variables that the newest requires and the running one was not given; V(none) where that
          is not known.
      type: list
      elements: str
      returned: success
    contract:
      description: How the offers of the two differ; V(none) where they were not compared.
      type: dict
      returned: success
"""

from datetime import datetime, timezone
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.limits import require_time_limits
from ..module_utils.outdated.answer import NotChecked
from ..module_utils.outdated.ask import Once, Registry, ask_all
from ..module_utils.outdated.locked import locked_versions
from ..module_utils.outdated.npm import NpmRegistry
from ..module_utils.outdated.pypi import ACCEPT, Page, PythonIndex, shown
from ..module_utils.outdated.standing import Running, entries_of
from ..module_utils.release.bundles import TOOLS, tools_of
from ..module_utils.release.deadline import TooLarge, pieces, within

_LIMIT = 64 * 1024 * 1024
"""Bytes of an index's page."""

_SERVER = {
    "server": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "registry_type": {"type": "str", "required": True},
    "identifier": {"type": "str", "required": True},
    "version": {"type": "str"},
    "problem": {"type": "str"},
    "defined": {"type": "str"},
    "given": {"type": "list", "elements": "str", "default": []},
    "required": {"type": "list", "elements": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "dict", "required": True, "options": _SERVER},
            "lock_folder": {"type": "path"},
            "parallel": {"type": "int", "default": 8},
            "timeout": {"type": "float", "default": 30},
            **TOOLS,
        },
        supports_check_mode=True,
    )
    try:
        servers = run(module.params)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, servers=servers)


def run(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask, and compare."""
    require_time_limits(options, "timeout")
    effects = Effects()
    tools = tools_of(options)
    index = PythonIndex(effects, tools, fetch, options["timeout"])
    registries: dict[str, Registry] = {
        "npm": NpmRegistry(effects, tools, options["timeout"]),
        "pypi": Once(index, index.prepare),
    }
    running = [Running(**given) for given in options["servers"]]
    answers = ask_all(running, registries, options["parallel"])
    folder = options["lock_folder"]
    locked = locked_versions(Path(folder)) if folder else {}
    return [entry.to_json() for entry in entries_of(running, answers, locked, datetime.now(timezone.utc))]


def fetch(address: str, timeout: float) -> Page | None:
    """A page of an index, by Ansible's own client: proxies, netrc and credentials in the address hold."""
    parts = urlsplit(address)
    try:
        if parts.scheme == "file":
            return _local(Path(unquote(parts.path)))
        return within(timeout, lambda until: _opened(address, timeout, until))
    except HTTPError as error:
        if error.code in (404, 410):
            return None
        raise NotChecked(f"the index answered with HTTP {error.code} ({shown(address)})") from error
    except TooLarge as error:
        raise NotChecked(f"the index's answer is no page of a package ({shown(address)}: {error})") from error
    except (HTTPException, OSError, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error)
        raise NotChecked(f"the index is out of reach ({shown(address)}: {shown(reason)})") from error


def _opened(address: str, timeout: float, until: float) -> Page:
    with open_url(address, headers={"Accept": ACCEPT}, timeout=timeout, follow_redirects="all") as answer:
        return Page(answer.headers.get_content_type(), b"".join(pieces(answer, until, _LIMIT)))


def _local(folder: Path) -> Page | None:
    page = folder / "index.html"
    return Page("text/html", page.read_bytes()) if page.is_file() else None


if __name__ == "__main__":
    main()
