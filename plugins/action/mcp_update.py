# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of mcp_update: it says who asks, reads locks, and ships a release that a host lacks.

One task does all of it, so that a host with nothing to do costs one module call here too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.definition.package import parse_package
from ..module_utils.definition.server_json import plain, read
from ..module_utils.effects import Effects
from ..module_utils.errors import FleetError
from ..module_utils.release.bundles import FOLDER, Bundles, tools_here
from ..module_utils.release.closure import LOCK_FILES
from ..module_utils.release.contents import located
from ..module_utils.release.lock import Lock
from ..module_utils.release.locks import Locks, choose, dumps, mode_of, require_pinned
from ..module_utils.release.package import CONTENT, Package, Tools
from ..module_utils.release.target import target_from
from ..plugin_utils.charge import charged
from ..plugin_utils.credentials import apart

UNLOCKED = (
    "No lock was used: what it depends on is what the registry gave, and nobody looked at it before. "
    "mcpops.fleet.lock makes one."
)

_MAKE_TIMEOUT = 600.0
"""Seconds for resolving and fetching a bundle that nobody made before."""


class ActionModule(ActionBase):
    """Runs the module; where it wants a bundle, ships one and runs it again."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point of an action."""
        super().run(tmp, task_vars)
        options = charged(self._task.args, task_vars or {}, self._templar.template)
        try:
            options = apart(options)
            options["server"] = self._looked_at(options)
            locks = self._locks(options)
            options.update({"lock_content": dumps(locks)} if locks else {})
            if options.get("bundle"):
                return self._with(Path(self._local(options["bundle"])), options, task_vars)
            result = self._module(options, task_vars)
            wanted = wanted_of(result, options)
            # In a check there is something to look at only where the difference is asked for.
            if not wanted or (self._task.check_mode and not self._task.diff):
                return {**result, "bundle_wanted": wanted} if wanted else without_wish(result)
            folder = self._local(options.get("release_folder") or FOLDER)
            return self._with(_made(wanted, folder, locks), options, task_vars)
        except FleetError as error:
            return {"failed": True, "msg": str(error)}

    def _looked_at(self, options: dict[str, Any]) -> Any:
        """The definition, with the hash of content that only the controller has."""
        server: Any = plain_server(options)
        raw = server.get("package") if isinstance(server, dict) else None
        if options.get("state", "present") != "present" or not isinstance(raw, dict):
            return server
        if raw.get("registry_type") not in CONTENT:
            return server
        named = parse_package(str(server.get("name")), raw)
        return {**server, "package": {**raw, "sha256": located(*named.parts()).sha256}}

    def _with(
        self, bundle: Path, options: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Run the module on a copy of the bundle, which goes with the task's temporary folder."""
        if not bundle.is_file():
            raise FleetError(f"ship {bundle}", "it is not there", "Make it with the module mcp_release.")
        base: ActionBase = self
        shell = self._connection._shell
        folder = shell.tmpdir or self._make_tmp_path()
        there = shell.join_path(folder, bundle.name)
        base._transfer_file(str(bundle), there)
        base._fixup_perms2((folder, there))
        return self._module({**options, "bundle": there}, task_vars)

    def _module(self, options: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="mcpops.fleet.mcp_update", module_args=options, task_vars=task_vars
        )
        if options.get("state", "present") == "present":
            kind = (plain_server(options).get("package") or {}).get("registry_type")
            unlocked = kind in LOCK_FILES and not options.get("lock_content")
            result["unchecked"] = [UNLOCKED] if unlocked else []
        return result

    def _locks(self, options: dict[str, Any]) -> list[Lock]:
        """The locks of the server's package: its host picks the one that fits it."""
        folder, server = options.get("lock_folder"), options.get("server")
        if not folder or options.get("state", "present") != "present" or not isinstance(server, dict):
            return []
        package = server.get("package")
        if not isinstance(package, dict) or set(package) != {"registry_type", "identifier", "version"}:
            return []  # its own hash locks it, or the module says what is wrong with it
        mode = mode_of(options.get("lock", "auto"))
        digest = "digest" if str(package["version"]).startswith("sha256:") else None
        try:
            require_pinned(str(package["registry_type"]), str(package["identifier"]), digest, mode)
            return Locks(Path(self._local(folder))).find(
                Package(**{key: str(value) for key, value in package.items()}), mode
            )
        except FleetError as error:
            raise error.on(str(server.get("name"))) from error

    def _local(self, path: str) -> str:
        return str(Path(self._loader.path_dwim(path)).expanduser())


def plain_server(options: dict[str, Any]) -> Any:
    """The definition without a server.json, which only the controller has."""
    server = options.get("server")
    if not isinstance(server, dict) or "server_json" not in server:
        return server
    told = plain({**server, "credentials": options.get("credentials") or {}}, read)
    return {key: value for key, value in told.items() if key != "credentials"}


def wanted_of(result: dict[str, Any], options: dict[str, Any]) -> dict[str, Any] | None:
    """What is to be shipped to a host that says that it lacks the release; None where nothing is.

    The package is the task's own: a host that could name another would get what it likes.
    :raises FleetError: when the host does not say what kind of host it is.
    """
    wish, server = result.get("bundle_wanted"), options.get("server")
    package = server.get("package") if isinstance(server, dict) else None
    if not wish or not isinstance(package, dict) or options.get("state", "present") != "present":
        return None
    if options.get("release_source") != "controller" and package.get("registry_type") not in CONTENT:
        return None
    target = target_from(wish.get("target") if isinstance(wish, dict) else wish)
    return {"package": package, "target": target.to_json()}


def without_wish(result: dict[str, Any]) -> dict[str, Any]:
    """What a host answered, but for a bundle that is not for it to want."""
    return {key: value for key, value in result.items() if key != "bundle_wanted"}


def _made(wanted: dict[str, Any], folder: str, locks: list[Lock]) -> Path:
    """The bundle for what is to be shipped."""
    bundles = Bundles(Effects(), Path(folder), tools_here(Tools()))
    named, target = parse_package("the host", wanted["package"]), target_from(wanted["target"])
    package, lock = located(*named.parts()), choose(locks, target)
    found = bundles.find(package, target, lock=lock)
    if found is None:
        found, _made_now = bundles.make(
            package, target, timeout=_MAKE_TIMEOUT, lock=lock, source=named.source
        )
    return found.path
