# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a definition gives its server to start with: arguments, credentials, an mcpb's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..redaction import SHORTEST
from .reader import Reader, shown


def parse_arguments(reader: Reader) -> tuple[str, ...]:
    """What stands on its command line."""
    values = reader.sequence("arguments")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value):
            raise reader.complaint("arguments", f"{shown(value)} is not text", "Quote it.")
    return tuple(str(value) for value in values)


def parse_user_config(reader: Reader, registry_type: str) -> dict[str, Any]:
    """What an mcpb lets its user configure; whether it knows such a setting is seen when it is there."""
    raw = reader.raw.get("user_config") or {}
    if raw and registry_type != "mcpb":
        raise reader.complaint("user_config", f"packages of {registry_type} have none", "Leave it out.")
    if not isinstance(raw, Mapping) or not all(isinstance(name, str) for name in raw):
        raise reader.complaint("user_config", "it is no mapping", "Write it as NAME: value pairs.")
    for name, value in raw.items():
        several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        if not all(isinstance(each, (str, int, float)) for each in (value if several else [value])):
            raise reader.complaint(
                f"user_config.{name}",
                f"it is {shown(value)}",
                "Give a text, a number, true, false or a list.",
            )
    return dict(raw)


def parse_credentials(reader: Reader, beside: Mapping[str, Any] | None) -> dict[str, str]:
    """Those of the definition, and those that were given ``beside`` it."""
    inside = reader.raw.get("credentials") or {}
    if not isinstance(inside, Mapping):
        raise reader.complaint("credentials", "it is no mapping", "Write it as NAME: value pairs.")
    raw = {**inside, **(beside or {})}
    credentials = Reader(reader.server, "", {"credentials": raw}, ("credentials",)).variables(
        "credentials", True
    )
    both = sorted(set(credentials) & set(reader.raw.get("environment") or {}))
    if both:
        raise reader.complaint(
            "credentials", f"{', '.join(both)} is in environment too", "Keep it in one of them."
        )
    # Ansible hides each value wherever it occurs in what a module returns, in version numbers and paths too.
    short = sorted(name for name, value in credentials.items() if 0 < len(value) < SHORTEST)
    if short:
        raise reader.complaint(
            "credentials",
            f"the value of {', '.join(short)} has fewer than {SHORTEST} characters",
            "What is so short is no secret: keep it in environment.",
        )
    return credentials
