# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that lie on the disk encrypted with a key of the host (systemd-creds(1), since systemd 250)."""

from __future__ import annotations

import subprocess

from ..errors import FleetError

_TIMEOUT = 30.0


class HostKey:
    """Encrypts and decrypts with the host's own key (and its TPM where it has one)."""

    def seal(self, name: str, data: bytes) -> bytes:
        """Encrypt; only a credential of this ``name`` on this host is it again."""
        return self._run(["encrypt", f"--name={name}"], data)

    def open(self, name: str, data: bytes) -> bytes | None:
        """Decrypt; None for what this host did not encrypt under this ``name``."""
        try:
            return self._run(["decrypt", f"--name={name}"], data)
        except FleetError:
            return None

    def _run(self, command: list[str], data: bytes) -> bytes:
        argv = ["systemd-creds", *command, "-", "-"]
        try:
            done = subprocess.run(argv, input=data, capture_output=True, timeout=_TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _refused(argv, str(error)) from error
        if done.returncode:
            raise _refused(argv, done.stderr.decode("utf-8", "replace").strip())
        return done.stdout


def _refused(argv: list[str], came_back: str) -> FleetError:
    return FleetError(
        f"run {' '.join(argv[:2])}", came_back, "Set mcp_encrypt_credentials: false where it cannot work."
    )
