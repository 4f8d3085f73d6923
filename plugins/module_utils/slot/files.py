# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot's folder: what the launch program reads to start it."""

from __future__ import annotations

import grp
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError
from .sandbox import Sandbox
from .sealed import HostKey
from .spec import SLOTS, SlotSpec, check_names

LAUNCH = "launch.json"
CREDENTIALS = "credentials.json"

_FIELDS = ("server", "slot", "argv", "environment", "directory", "stop_timeout", "inherit_environment")


class SlotFiles:
    """The folders ``root/SERVER/SLOT`` (0700), each with ``launch.json`` and ``credentials.json`` (0600).

    The two stand side by side so that the launch program finds one by the other, also where a service
    supervisor hands both over in a folder of its own (systemd's LoadCredential).

    :param host_key: encrypts credentials on the disk; not those of stdio servers, which clients read.
    :param clients: the group whose members may start stdio servers; None: only who owns the files.
    """

    def __init__(
        self, effects: Effects, root: Path, clients: str | None = None, host_key: HostKey | None = None
    ) -> None:
        self._effects = effects
        self.root = root
        self._clients = clients
        self._host_key = host_key

    def folder(self, server: str, slot: str) -> Path:
        """The slot's folder. :raises FleetError: for a name that would lead out of the root."""
        check_names(server, slot)
        return self.root / server / slot

    def launch(self, server: str, slot: str) -> Path:
        """The file that the launch program is given."""
        return self.folder(server, slot) / LAUNCH

    def write(self, spec: SlotSpec) -> None:
        """Write the slot's files; nothing is written when they say so already.

        Call it while nothing runs in the slot: what runs was then started from what the files say.
        """
        folder = self.folder(spec.server, spec.slot)
        # A run that was killed while it wrote may have left credentials in a file that nobody will read.
        for left in sorted(folder.glob(".*.new")):
            self._effects.remove_file(left)
        if self.matches(spec):
            return
        self._effects.make_directory(folder, 0o700)
        for name, data in self._contents(spec).items():
            sealed = name == CREDENTIALS and self._seals(spec.inherit_environment)
            stored = sealed.seal(name, data) if sealed else data
            self._effects.write_file(folder / name, stored, 0o600)
        self.share(folder, spec)

    def share(self, folder: Path, spec: SlotSpec) -> None:
        """Let the group of clients read and start what they start themselves: a stdio server."""
        if self._clients is not None and spec.inherit_environment:
            group = grp.getgrnam(self._clients).gr_gid
            self._effects.act("share", str(folder), lambda: _share(folder, group))

    def matches(self, spec: SlotSpec) -> bool:
        """Whether the files say exactly this; credentials are compared by their content."""
        folder = self.folder(spec.server, spec.slot)
        wanted = self._contents(spec)
        return _bytes(folder / LAUNCH) == wanted[LAUNCH] and (
            self._credentials(folder, spec.inherit_environment) == wanted[CREDENTIALS]
        )

    def mark(self, server: str, slot: str) -> str | None:
        """Another one when somebody has changed the files: sha256 (hex) of what launch.json says and of when
        the credentials were written and how long they are (their own digest would be a way to guess them);
        None where a file is missing."""
        folder = self.folder(server, slot)
        launch = _bytes(folder / LAUNCH)
        try:
            about = (folder / CREDENTIALS).stat()
        except OSError:
            return None
        if launch is None:
            return None
        return hashlib.sha256(launch + f"{about.st_mtime_ns} {about.st_size}".encode()).hexdigest()

    def read(self, server: str, slot: str) -> SlotSpec | None:
        """What the files say, or None when there are none or they make no sense (``write`` mends that).

        :raises FleetError: when they may not be read.
        """
        folder = self.folder(server, slot)
        launch = _bytes(folder / LAUNCH)
        try:
            raw: dict[str, Any] = json.loads(launch or b"")
            credentials = self._credentials(folder, raw["inherit_environment"]) or b""
            values = {name: raw[name] for name in _FIELDS}
            values["argv"] = tuple(values["argv"])
            limits = raw.get("sandbox", {})
            values["sandbox"] = Sandbox(**{key: _hashable(value) for key, value in limits.items()})
            values["container"] = raw.get("container", False)
            return SlotSpec(**values, credentials=json.loads(credentials))
        except (ValueError, TypeError, KeyError, AttributeError, FleetError):
            return None

    def remove(self, server: str, slot: str) -> None:
        """Remove the slot's folder, and the server's when that was its last."""
        folder = self.folder(server, slot)
        self._effects.remove_tree(folder)
        if folder.parent.is_dir() and not any((folder.parent / other).exists() for other in SLOTS):
            self._effects.remove_tree(folder.parent)

    def _seals(self, read_by_clients: bool) -> HostKey | None:
        return None if read_by_clients else self._host_key

    def _credentials(self, folder: Path, read_by_clients: bool) -> bytes | None:
        """The stored credentials in plain text."""
        stored, key = _bytes(folder / CREDENTIALS), self._seals(read_by_clients)
        return key.open(CREDENTIALS, stored) if key and stored is not None else stored

    def _contents(self, spec: SlotSpec) -> dict[str, bytes]:
        launch = {
            "server": spec.server,
            "slot": spec.slot,
            "root": str(self.root),
            "argv": list(spec.argv),
            "environment": dict(spec.environment),
            "directory": spec.directory,
            "stop_timeout": spec.stop_timeout,
            "inherit_environment": spec.inherit_environment,
            "sandbox": asdict(spec.sandbox),
            # Only where it is so: files that were written before there were containers stay what they are.
            **({"container": True} if spec.container else {}),
        }
        return {LAUNCH: _json(launch), CREDENTIALS: _json(dict(spec.credentials))}


def _share(folder: Path, group: int) -> None:
    for path in (*folder.iterdir(), folder):
        mode = path.stat().st_mode
        os.chown(path, -1, group)
        path.chmod(mode & 0o700 | (mode & 0o500) >> 3)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FleetError(f"read {path}", str(error), "Run as the user that the fleet runs as.") from error
