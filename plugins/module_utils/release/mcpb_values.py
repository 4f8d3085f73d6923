# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle lets its user configure, put into its arguments and environment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import FleetError
from .kind import Settings
from .mcpb_manifest import Manifest, Option

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_SETTING = "user_config."

Values = Mapping[str, tuple[str, ...]]
"""Texts by option; more than one where several were given. What has no value is not in it."""


def values_of(manifest: Manifest, settings: Settings) -> Values:
    """The values of all options: those of the definition, else the bundle's own defaults.

    :raises FleetError: for one that is required and missing, unknown, of another type, or secret where others
        would see it.
    """
    unknown = sorted(set(settings.user_config) - set(manifest.user_config))
    if unknown:
        known = ", ".join(sorted(manifest.user_config)) or "none"
        raise _complaint(manifest, unknown[0], "the bundle has no such setting", f"It has: {known}.")
    values: dict[str, tuple[str, ...]] = {}
    for name, option in manifest.user_config.items():
        if option.sensitive:
            _require_secret(manifest, name, option, settings)
            continue
        value = settings.user_config.get(name)
        if value is None and option.required and not _is_given(manifest, name, settings):
            raise _complaint(
                manifest, name, "the bundle requires it, and it is missing", f"Give it, as {option.kind}."
            )
        value = option.default if value is None else value
        if value is not None:
            values[name] = _texts(manifest, name, option, value)
    return values


def filled_arguments(manifest: Manifest, values: Values, home: Path) -> list[str]:
    """The arguments; several values of an option that is an argument of its own are several arguments."""
    found: list[str] = []
    for argument in manifest.arguments:
        whole = _VARIABLE.fullmatch(argument)
        if whole and whole[1].startswith(_SETTING):
            found += values.get(whole[1][len(_SETTING) :]) or _missing(manifest, argument, values)
        elif argument in (manifest.entry_point, f"./{manifest.entry_point}"):
            found.append(str(home / manifest.entry_point))
        else:
            found.append(_filled(manifest, argument, values, home))
    return found


def filled_environment(
    manifest: Manifest, values: Values, home: Path, given: frozenset[str]
) -> dict[str, str]:
    """The variables, without those that the definition gives and those whose option has no value."""
    return {
        name: _filled(manifest, text, values, home)
        for name, text in manifest.environment.items()
        if name not in given and options_in(text) <= set(values)
    }


def options_in(text: str) -> set[str]:
    """The options that a text mentions."""
    return {name[len(_SETTING) :] for name in _VARIABLE.findall(text) if name.startswith(_SETTING)}


def _filled(manifest: Manifest, text: str, values: Values, home: Path) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        # A server's own folder is the nearest to a home that it has; the definition's {data} is filled later.
        own = {"__dirname": str(home), "HOME": "{data}", "pathSeparator": "/", "/": "/"}
        if name in own:
            return own[name]
        option = name[len(_SETTING) :]
        if name.startswith(_SETTING) and option in values:
            return ",".join(values[option])
        raise _complaint(
            manifest,
            option if name.startswith(_SETTING) else "",
            f"{text!r} needs a value for {name}, and a host has none",
            "Give it in user_config, or start the bundle by `command:` and `arguments:`.",
        )

    return _VARIABLE.sub(value, text)


def _missing(manifest: Manifest, argument: str, values: Values) -> Sequence[str]:
    name = next(iter(options_in(argument)))
    if name in values:
        return ()
    raise _complaint(manifest, name, "an argument of the bundle needs a value for it", "Give it.")


def _is_given(manifest: Manifest, name: str, settings: Settings) -> bool:
    """Whether the definition sets every variable for which the option is, and it is for nothing else."""
    uses = [variable for variable, text in manifest.environment.items() if name in options_in(text)]
    in_arguments = any(name in options_in(argument) for argument in manifest.arguments)
    return bool(uses) and not in_arguments and set(uses) <= settings.variables


def _require_secret(manifest: Manifest, name: str, option: Option, settings: Settings) -> None:
    uses = [variable for variable, text in manifest.environment.items() if name in options_in(text)]
    cure = f"Give it in credentials, as {', '.join(uses)}." if uses else "Do without it."
    if name in settings.user_config:
        raise _complaint(manifest, name, "it is secret, and user_config is not", cure)
    if any(name in options_in(argument) for argument in manifest.arguments):
        if not settings.command:
            raise _complaint(
                manifest, name,
                "it is secret, and the bundle passes it as an argument, which everybody on the host can see",
                "Start the bundle by `command:` and `arguments:` of your own, if it can take it otherwise.",
            )  # fmt: skip
    elif option.required and not set(uses) <= settings.variables:
        raise _complaint(manifest, name, "the bundle requires it, and it is missing", cure)


def _texts(manifest: Manifest, name: str, option: Option, value: Any) -> tuple[str, ...]:
    several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    if several and not option.multiple:
        raise _complaint(manifest, name, f"it is {value!r}, a list", f"Give one {option.kind}.")
    return tuple(_text(manifest, name, option, each) for each in (value if several else [value]))


def _text(manifest: Manifest, name: str, option: Option, value: Any) -> str:
    if isinstance(value, str):
        value = value.replace("${HOME}", "{data}")
    fits = {
        "boolean": isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
    }.get(
        option.kind,
        isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)),
    )
    low, high = option.low, option.high
    if fits and option.kind == "number":
        fits = (low is None or value >= low) and (high is None or value <= high)
    if not fits:
        limits = f" from {low} to {high}" if (low, high) != (None, None) else ""
        raise _complaint(manifest, name, f"it is {value!r}", f"Give a {option.kind}{limits}.")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _complaint(manifest: Manifest, name: str, came_back: str, cure: str) -> FleetError:
    place = f"user_config.{name} of " if name else ""
    return FleetError(f"read {place}the bundle {manifest.name}", came_back, cure)
