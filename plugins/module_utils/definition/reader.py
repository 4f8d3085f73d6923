# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads keys of one mapping of an inventory; every complaint says where in the definition it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import FleetError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Reader:
    """Reads keys of one mapping; each complaint says where in the definition it is."""

    def __init__(self, server: str, where: str, raw: Any, known: Sequence[str]) -> None:
        self.server = server
        self.where = where
        if not isinstance(raw, Mapping):
            came_back = "it is missing" if raw is None else f"it is {shown(raw)}"
            raise self.complaint("", came_back, f"Write it as a mapping with the keys {', '.join(known)}.")
        self.raw = raw
        unknown = sorted(str(key) for key in raw if key not in known)
        if unknown:
            raise self.complaint("", f"unknown key {', '.join(unknown)}", f"Known keys: {', '.join(known)}.")

    def complaint(self, key: str, came_back: str, cure: str) -> FleetError:
        place = ".".join(part for part in (self.where, key) if part)
        return FleetError(f"read the definition{f', {place}' if place else ''}", came_back, cure, self.server)

    def text(self, key: str, pattern: re.Pattern[str], like: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if value is None:
            raise self.complaint(key, "it is missing", f"Give it, like {like}.")
        if not isinstance(value, str):
            raise self.complaint(
                key, f"it is {shown(value)}, not text", f'Quote it, like "{like.split()[0]}".'
            )
        if not pattern.fullmatch(value):
            raise self.complaint(key, f"{value!r} is not allowed", f"Write it like {like}.")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.raw.get(key, default)
        try:
            number = float(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            number = None
        if number is None or not low <= number <= high:
            raise self.complaint(key, f"it is {shown(value)}", f"Give a number from {low:g} to {high:g}.")
        return number

    def flag(self, key: str) -> bool:
        value = self.raw.get(key, False)
        if not isinstance(value, bool):
            raise self.complaint(key, f"it is {shown(value)}", "Give true or false.")
        return value

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.raw.get(key, default)
        if value not in choices:
            raise self.complaint(key, f"it is {shown(value)}", f"Choose one of {', '.join(choices)}.")
        return str(value)

    def sequence(self, key: str) -> Sequence[Any]:
        value = self.raw.get(key) or []
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise self.complaint(key, f"it is {shown(value)}", "Write it as a list.")
        return value

    def variables(self, key: str, secret: bool = False) -> dict[str, str]:
        value = self.raw.get(key) or {}
        if not isinstance(value, Mapping):
            raise self.complaint(key, "it is no mapping", "Write it as NAME: value pairs.")
        for name, content in value.items():
            if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
                raise self.complaint(key, f"{name!r} is no name of a variable", "Use letters, digits and _.")
            if (
                isinstance(content, bool)
                or not isinstance(content, (str, int, float))
                or "\0" in str(content)
            ):
                came_back = "not text" if secret else f"{shown(content)}, not text"
                raise self.complaint(f"{key}.{name}", f"it is {came_back}", "Quote the value.")
        return {name: str(content) for name, content in value.items()}


def shown(value: Any) -> str:
    """A value and its kind, as an error shows them."""
    text = repr(value)
    # Ansible's own kinds of str, float and so on tell nobody anything.
    kind = next(base for base in type(value).__mro__ if base.__module__ == "builtins")
    return f"{kind.__name__} {text if len(text) <= 60 else text[:60] + '…'}"
