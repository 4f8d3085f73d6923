# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to run in a slot, whatever runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import FleetError
from .sandbox import Sandbox

SLOTS = ("blue", "green")

_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"[^=\0]+")


@dataclass(frozen=True)
class SlotSpec:
    """One process to run in one slot.

    ``argv`` starts with an absolute path. ``credentials`` become environment variables as well, and are
    kept apart so that they reach neither a process list, nor a log, nor a repr. ``directory`` is absolute,
    or empty to stay where the client is (only with ``inherit_environment``). ``stop_timeout`` is the time
    from SIGTERM to SIGKILL in seconds. With ``inherit_environment`` the environment of whoever starts the
    process lies beneath the definition's: for stdio servers, which a client starts. ``container``: the argv
    is podman's, for a unit (see ``container``).

    :raises FleetError: when no process could ever be started from it.
    """

    server: str
    slot: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    credentials: Mapping[str, str] = field(repr=False)
    directory: str
    stop_timeout: float
    inherit_environment: bool = False
    sandbox: Sandbox = field(default_factory=Sandbox)
    container: bool = False

    def __post_init__(self) -> None:
        reason = _flaw(self)
        if reason:
            cure = "Correct the server's definition."
            raise FleetError(f"describe slot {self.slot!r}", reason, cure, self.server)


def is_name(server: str) -> bool:
    """Whether a text can be a server's name in a path."""
    return _SERVER.fullmatch(server) is not None


def check_names(server: str, slot: str) -> None:
    """Refuse names that would lead out of a slot's own folder.

    :raises FleetError: naming the one that is refused.
    """
    if not is_name(server):
        raise FleetError(f"use the server name {server!r}", "it is not a name", "Use letters, digits and -.")
    if slot not in SLOTS:
        raise FleetError(f"use the slot {slot!r}", "there is none of that name", "Use blue or green.", server)


def _flaw(spec: SlotSpec) -> str | None:
    check_names(spec.server, spec.slot)
    stays = not spec.directory and spec.inherit_environment
    if not spec.argv or not spec.argv[0].startswith("/"):
        return f"its command {spec.argv[:1]!r} is not an absolute path"
    if not stays and not spec.directory.startswith("/"):
        return f"its working directory {spec.directory!r} is not an absolute path"
    if spec.stop_timeout < 0:
        return f"its stop_timeout {spec.stop_timeout} is below 0"
    variables = {**spec.environment, **spec.credentials}
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            return f"{name!r} cannot be the name of an environment variable"
    if any("\0" in value for value in (*spec.argv, spec.directory, *variables.values())):
        return "a NUL character stands in its arguments, environment or credentials"
    return None
