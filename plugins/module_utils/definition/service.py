# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``service`` of a definition: what systemd lets the server do and use."""

from __future__ import annotations

import re
from dataclasses import fields

from ..slot.sandbox import Sandbox
from .reader import Reader, shown

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_SIZE = re.compile(r"[1-9][0-9]*[KMGT]?|infinity")
_SHARE = re.compile(r"[1-9][0-9]*%|infinity")
_CALLS = re.compile(r"~?@?[a-z0-9_-]+")
_FAMILY = re.compile(r"AF_[A-Z0-9]+")
_CAPABILITY = re.compile(r"CAP_[A-Z_]+")
_PATH = re.compile(r"/[^\0\r\n]*")


def parse_service(reader: Reader) -> Sandbox:
    """What the definition says of it, with the strict defaults for the rest.

    :raises FleetError: naming the key, what is wrong with it and how to write it.
    """
    default = Sandbox()
    service = Reader(
        reader.server, "service", reader.raw.get("service") or {}, [item.name for item in fields(Sandbox)]
    )
    return Sandbox(
        user=service.text("user", _USER, "an account of the host") if service.raw.get("user") else "",
        memory_max=service.text("memory_max", _SIZE, "1G (or infinity)", default.memory_max),
        cpu_quota=service.text("cpu_quota", _SHARE, "200% (or infinity)", default.cpu_quota),
        tasks_max=int(service.number("tasks_max", default.tasks_max, 0, 1_000_000)),
        system_calls=_each(service, "system_calls", _CALLS, "@mount (or any)"),
        address_families=_each(service, "address_families", _FAMILY, "AF_PACKET"),
        capabilities=_each(service, "capabilities", _CAPABILITY, "CAP_NET_RAW"),
        writable_paths=_each(service, "writable_paths", _PATH, "/srv/data"),
        home=service.flag("home"),
        devices=service.flag("devices"),
        new_privileges=service.flag("new_privileges"),
        namespaces=service.flag("namespaces"),
    )


def _each(service: Reader, key: str, pattern: re.Pattern[str], like: str) -> tuple[str, ...]:
    for value in service.sequence(key):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise service.complaint(key, f"{shown(value)} is not allowed", f"Write each like {like}.")
    return tuple(str(value) for value in service.sequence(key))
