# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slot's process may do and use; a service supervisor that can (systemd) holds it to that."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM_CALLS = ("@system-service", "~@privileged @resources")
ADDRESS_FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK")


@dataclass(frozen=True)
class Sandbox:
    """Limits of one server; the defaults are strict, each field loosens one of them.

    ``user``: an account of the host in place of one that exists only while the server runs.
    ``memory_max`` and ``cpu_quota`` are systemd's (``1G``, ``200%``, ``infinity``), ``tasks_max`` counts
    processes and threads (0: no limit). ``system_calls``, ``address_families`` and ``capabilities`` are
    allowed beside the usual ones (``any`` as system call: no filter). ``writable_paths`` may be written
    beside the server's own data folder; ``home``: home folders are seen; ``devices``: devices are seen;
    ``new_privileges``: setuid programs work; ``namespaces``: it may make namespaces (a browser's sandbox).
    """

    user: str = ""
    memory_max: str = "1G"
    cpu_quota: str = "200%"
    tasks_max: int = 512
    system_calls: tuple[str, ...] = ()
    address_families: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    writable_paths: tuple[str, ...] = ()
    home: bool = False
    devices: bool = False
    new_privileges: bool = False
    namespaces: bool = False
