# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the values of a record may be: a file that somebody edited is found out where it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any], bool]


def check(what: str, values: object, rules: Mapping[str, Rule]) -> None:
    """Hold the attributes of ``values`` against the rules of their names.

    :param what: what it is, for the error.
    :raises ValueError: naming the first that is not as it has to be.
    """
    for name, rule in rules.items():
        value = getattr(values, name)
        if not rule(value):
            raise ValueError(f"{name} of {what} is {repr(value)[:60]}")


def text(value: Any) -> bool:
    """Any string, an empty one too."""
    return isinstance(value, str)


def texts(value: Any) -> bool:
    """A list of strings."""
    return isinstance(value, list) and all(map(text, value))


def mapping(value: Any) -> bool:
    """An object of JSON."""
    return isinstance(value, dict)


def boolean(value: Any) -> bool:
    """True or false, not what merely counts as such."""
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    """In Python a bool is an int as well."""
    return isinstance(value, int) and not isinstance(value, bool)


def count(value: Any) -> bool:
    """A whole number from 0."""
    return _whole(value) and value >= 0


def seconds(value: Any) -> bool:
    """A number that as Unix time is a date (of the years 881 to 3058), so neither NaN nor infinite."""
    return (_whole(value) or isinstance(value, float)) and abs(value) < 2**35


def folder(value: Any) -> bool:
    """An absolute path; empty where it is not known, as of a deployment that was adopted."""
    return text(value) and (value == "" or value.startswith("/"))


def port_pair(value: Any) -> bool:
    """Two different TCP ports, or none at all."""
    ports = all(_whole(port) and 0 < port < 2**16 for port in value)
    return ports and len(value) == len(set(value)) and len(value) in (0, 2)


def one_of(*choices: str | None) -> Rule:
    """One of these."""
    return lambda value: value in choices


def optional(rule: Rule) -> Rule:
    """As the rule says, or None."""
    return lambda value: value is None or rule(value)


def having(**rules: Rule) -> Rule:
    """A mapping; what it has of these names is as they say."""
    return lambda value: (
        mapping(value) and all(rule(value[name]) for name, rule in rules.items() if name in value)
    )
