# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a server.json: arguments and environment variables, with what a definition gives for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import FleetError

_BRACED = re.compile(r"\{([^{}]+)\}")
_PLACEHOLDERS = ("port", "data")
_STEERING = re.compile(
    r"LD_.*|GCONV_PATH|GLIBC_TUNABLES|PATH|NODE_OPTIONS|BASH_ENV|PYTHON(PATH|HOME|STARTUP|BREAKPOINT|USERBASE)"
)
"""Variables that decide what a program loads."""
_STEERING_PODMAN = re.compile(r"HOME|TMPDIR|XDG_.*|CONTAINERS?_.*|STORAGE_.*|DOCKER_.*")
"""Variables that decide what podman reads, which has those of an image too."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True)
class Where:
    """The part of a server.json that is looked at, for errors."""

    server: str
    path: str
    part: str = ""

    def at(self, part: str) -> Where:
        """A part of this part."""
        return replace(self, part=f"{self.part}.{part}" if self.part else part)

    def complaint(self, part: str, came_back: str, cure: str) -> FleetError:
        """The error for what is wrong with a part."""
        place = self.at(part).part if part else self.part
        return FleetError(f"read {self.path}{f', {place}' if place else ''}", came_back, cure, self.server)

    def mapping(self, part: str, value: Any) -> Mapping[str, Any]:
        """A part that has names and values; empty where it is not there."""
        if value and not isinstance(value, Mapping):
            raise self.complaint(part, "it is no object", "Tell the publisher.")
        return value or {}


class Inputs:
    """Gives each input its value: the definition's, else the fixed one, else its default.

    :param port: the name of the input that the transport's address has for a port: it gets the slot's.
    """

    def __init__(self, where: Where, raw: Mapping[str, Any], port: str | None) -> None:
        self._where = where
        self._given = self._mapping(raw, "inputs")
        self._environment = self._mapping(raw, "environment")
        self._credentials = self._mapping(raw, "credentials")
        self._port = port
        self._used: set[str] = set()

    def arguments(self, key: str, package: Mapping[str, Any]) -> list[str]:
        """The words of ``packageArguments`` or ``runtimeArguments``."""
        words: list[str] = []
        for number, item in enumerate(self._items(key, package)):
            where = self._where.at(f"{key}[{number}]")
            kind = item.get("type")
            if kind not in ("named", "positional"):
                raise where.complaint("type", f"it is {kind!r}", "It is named or positional.")
            name = str(item.get("name") or item.get("valueHint") or "")
            if item.get("isSecret"):
                if item.get("isRequired") or name in self._given:
                    raise where.complaint(
                        "", f"{name} is secret, and everybody on the host sees arguments",
                        "Choose a package that takes it from its environment.",
                    )  # fmt: skip
                continue
            if kind == "named" and not name:
                raise where.complaint("name", "it is missing", "Tell the publisher.")
            if kind == "named" and isinstance(self._given.get(name), bool) and "format" not in item:
                # What has only a name is a switch, on where inputs says so.
                self._used.add(name)
                words += [name] if self._given[name] else []
                continue
            for value in self._values(where, name, item):
                words += self._words(kind, name, value)
        return words

    def environment(self, package: Mapping[str, Any]) -> dict[str, str]:
        """The variables that are not secret, those that only the definition has included."""
        found: dict[str, Any] = dict(self._environment)
        for number, item in enumerate(self._items("environmentVariables", package)):
            name = item.get("name")
            where = self._where.at(f"environmentVariables[{number}]")
            if not isinstance(name, str) or not name:
                raise where.complaint("name", "it is missing", "Tell the publisher.")
            where = self._where.at(f"environmentVariables[{number}] ({name})")
            if name in self._credentials:
                continue
            if name in found:
                if item.get("isSecret"):
                    raise where.complaint(
                        "", "it is secret, and environment is not", f"Move {name} to credentials."
                    )
                self._check(where, item, found[name])
                continue
            secret = self._secret(where, item)
            if secret and (item.get("isRequired") or item.get("value")):
                raise where.complaint(
                    "", f"it is secret{' and required' if item.get('isRequired') else ''}, and missing",
                    f"Give it as credentials: {{{name}: …}}.",
                )  # fmt: skip
            for value in self._values(where, name, item, "environment"):
                if _steers(name, package):
                    raise where.complaint(
                        "", "it would decide which code is loaded, and the file sets it itself",
                        f"Give it as environment: {{{name}: …}}, if that is what you want.",
                    )  # fmt: skip
                found[name] = value
        return found

    def refuse_unused(self) -> None:
        """Raise FleetError for a value that nothing takes."""
        unused = sorted(set(self._given) - self._used)
        if unused:
            raise self._where.complaint(
                "", f"inputs.{unused[0]} is given, and it has no such input",
                f"It has: {', '.join(sorted(self._used)) or 'none'}. Variables of the environment go to "
                "environment or credentials.",
            )  # fmt: skip

    def _values(self, where: Where, name: str, item: Mapping[str, Any], into: str = "inputs") -> list[str]:
        """The values of one input, several of one that can be repeated; none where it has none."""
        if into == "inputs" and name:
            self._used.add(name)
        given = self._given.get(name) if into == "inputs" else None
        if given is not None:
            several = isinstance(given, Sequence) and not isinstance(given, (str, bytes))
            if several and not item.get("isRepeated"):
                raise where.complaint("", f"{name} is given several values", "Give it one.")
            return [self._check(where, item, each) for each in (given if several else [given])]
        if name and name == self._port and not _is_fixed(item):
            return ["{port}"]
        if item.get("value") is not None:
            filled = self._filled(where, item)
            return [] if filled is None else [self._check(where, item, filled)]
        if item.get("default") is not None:
            return [self._check(where, item, item["default"])]
        if item.get("isRequired"):
            raise where.complaint(
                "", f"{name or 'it'} is required and has no value", f"Give it as {into}: {{{name}: …}}."
            )
        return []

    def _filled(self, where: Where, item: Mapping[str, Any]) -> str | None:
        """A fixed value with its variables; None when one that is not required has no value."""
        variables, lacking = _variables(where, item), False

        def value(found: re.Match[str]) -> str:
            nonlocal lacking
            name = found[1]
            if name not in variables:
                return found[0]
            if variables[name].get("isSecret"):
                raise where.complaint(
                    f"variables.{name}",
                    "it is secret",
                    "Give the whole variable of the environment in credentials.",
                )
            values = self._values(where.at(f"variables.{name}"), name, variables[name])
            lacking = lacking or not values
            return values[0] if values else ""

        text = _BRACED.sub(value, str(item["value"]))
        return None if lacking and not item.get("isRequired") else text

    def _check(self, where: Where, item: Mapping[str, Any], value: Any) -> str:
        """A value as text, if its input allows it."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if any(text == f"{{{each}}}" for each in _PLACEHOLDERS):
            return text
        choices = item.get("choices")
        if choices and not isinstance(choices, list):
            raise where.complaint("choices", "it is no list", "Tell the publisher.")
        if choices and text not in choices:
            raise where.complaint(
                "", f"it is {_seen(item, text)}", f"Choose one of {', '.join(map(str, choices))}."
            )
        fits = {
            "number": lambda: _NUMBER.fullmatch(text) is not None,
            "boolean": lambda: text in ("true", "false"),
        }.get(str(item.get("format", "string")), lambda: True)()
        if not fits:
            raise where.complaint("", f"it is {_seen(item, text)}", f"Give a {item['format']}.")
        return text

    def _words(self, kind: str, name: str, value: str) -> list[str]:
        """An argument as words; a named one is --flag=value, as the registry has it."""
        if kind == "positional":
            return [value]
        return [f"{name}={value}"] if name.startswith("--") else [name, value]

    def _secret(self, where: Where, item: Mapping[str, Any]) -> bool:
        variables = _variables(where, item)
        return bool(item.get("isSecret")) or any(each.get("isSecret") for each in variables.values())

    def _items(self, key: str, package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        items = package.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._where.complaint(key, "it is no list of objects", "Tell the publisher.")
        return items

    def _mapping(self, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = raw.get(key) or {}
        if not isinstance(value, Mapping):
            raise self._where.complaint("", f"{key} is no mapping", "Write it as NAME: value pairs.")
        return value


def _variables(where: Where, item: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    variables = where.mapping("variables", item.get("variables"))
    return {name: where.mapping(f"variables.{name}", value) for name, value in variables.items()}


def _steers(name: str, package: Mapping[str, Any]) -> bool:
    of_podman = package.get("registryType") == "oci" and _STEERING_PODMAN.fullmatch(name)
    return bool(_STEERING.fullmatch(name) or of_podman)


def _is_fixed(item: Mapping[str, Any]) -> bool:
    value = item.get("value")
    return value is not None and not _BRACED.search(str(value))


def _seen(item: Mapping[str, Any], text: str) -> str:
    return "not one of its choices" if item.get("isSecret") else repr(text)
