# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two versions of one tool, prompt, template or resource differ for a client."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .change import BREAKING, COMPATIBLE, DESCRIBED
from .document import Budget, core, exact
from .hidden import one_line
from .reason import show
from .schemas import INPUT, OUTPUT, differences, words

_SHOWN = 400
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
Item = Mapping[str, Any]
Found = Iterator[tuple[str, str]]


def tool(old: Item, new: Item, budget: Budget) -> Found:
    """Weight and reason of each difference between two versions of a tool."""
    yield from differences(INPUT, old.get("inputSchema", {}), new.get("inputSchema", {}), budget)
    was, now = old.get("outputSchema"), new.get("outputSchema")
    if was is not None and now is None:
        yield BREAKING, "its output schema is gone: what its result holds is no longer promised"
    elif was is None and now is not None:
        yield COMPATIBLE, "it has an output schema now"
        yield from words(OUTPUT, now)
    elif was is not None:
        yield from differences(OUTPUT, was, now, budget)
    yield from _hints(_mapping(old, "annotations"), _mapping(new, "annotations"))
    yield from _task(_mapping(old, "execution"), _mapping(new, "execution"))
    for weight, reason in _rest(_mapping(old, "execution"), _mapping(new, "execution"), "taskSupport"):
        yield weight, f"execution {reason}"
    yield from _rest(_without_parts(old), _without_parts(new), "inputSchema", "outputSchema")


def _without_parts(item: Item) -> Item:
    """A tool without what is compared key by key; what is no mapping of keys is only said."""
    parts = ("annotations", "execution")
    return {key: item[key] for key in item if key not in parts or not isinstance(item[key], Mapping)}


def new_words(kind: str, item: Item) -> Found:
    """What a model reads of a tool, prompt or template that was not there; a resource is looked up anew
    each time."""
    if kind == "tools":
        yield from _rest({}, _said_of(_without_parts(item)), "name", "inputSchema", "outputSchema")
        hints, execution = _mapping(item, "annotations"), _mapping(item, "execution")
        said = {f"annotation {key}": hints[key] for key in hints if not isinstance(hints[key], bool)}
        said.update({f"execution {key}": execution[key] for key in execution if execution[key] not in _TASKS})
        yield from _rest({}, _said_of(said))
        yield from words(INPUT, item.get("inputSchema", {}))
        yield from words(OUTPUT, item.get("outputSchema", {}))
    elif kind != "resources":
        listed = _arguments(item)
        plain = _MEDIA_TYPE.fullmatch(str(item.get("mimeType", "")))
        apart = (*(["arguments"] if listed is not None else []), *(["mimeType"] if plain else []))
        yield from _rest({}, _said_of(item), "name", "uriTemplate", *apart)
        for name, argument in sorted((listed or {}).items()):
            for weight, reason in _rest({}, _said_of(_words_of(argument)), "name"):
                yield weight, f"argument {one_line(name, 120)}: {reason}"


def same(old: Item, new: Item) -> bool:
    """Whether two versions of an item say the same, but for the order of what is a set."""
    return exact(_sorted(old)) == exact(_sorted(new))


def _sorted(item: Item) -> Item:
    schemas = {key: core(item[key], words=True) for key in ("inputSchema", "outputSchema") if key in item}
    return {**item, **schemas}


def _said_of(item: Item) -> Item:
    return {key: value for key, value in item.items() if value not in (None, "", [], {})}


def _mapping(item: Item, key: str) -> Item:
    value = item.get(key)
    return value if isinstance(value, Mapping) else {}


def _hints(old: Item, new: Item) -> Found:
    """Annotations by the defaults of the specification (ToolAnnotations, 2025-11-25 and 2026-07-28):
    readOnlyHint false, destructiveHint true, idempotentHint false, openWorldHint true. The second and third
    mean something only for a tool that is not read-only.
    """
    before, after = _Hints(old), _Hints(new)
    for name, lost, promise in (
        ("readOnlyHint", "it may change things now", "it says that it changes nothing"),
        ("destructiveHint", "it may destroy now", "it says that it destroys nothing"),
        ("idempotentHint", "calling it twice may do more than calling it once now",
         "it says that calling it twice does no more than once"),
        ("openWorldHint", "it may reach out to the world now", "it says that it does not reach out"),
    ):  # fmt: skip
        was, now = before.safe(name), after.safe(name)
        if was and not now:
            value = show(new[name]) if name in new else "no longer set"
            yield BREAKING, f"annotation {name} was {show(old.get(name))}, is {value}: {lost}"
        elif now and not was:
            yield COMPATIBLE, f"annotation {name} is {show(new.get(name))} now: {promise}"
    for name in sorted(old.keys() | new.keys()):
        if exact(old.get(name)) != exact(new.get(name)) and before.safe(name) == after.safe(name):
            yield DESCRIBED, f"annotation {_change(one_line(name, 60), old.get(name), new.get(name))}"


class _Hints:
    """What annotations promise, hints that follow from others included."""

    def __init__(self, hints: Item) -> None:
        self._read_only = hints.get("readOnlyHint") is True
        self._safe = {
            "readOnlyHint": self._read_only,
            "destructiveHint": self._read_only or hints.get("destructiveHint") is False,
            "idempotentHint": self._read_only or hints.get("idempotentHint") is True,
            "openWorldHint": hints.get("openWorldHint") is False,
        }

    def safe(self, name: str) -> bool:
        """Whether the safe side of a hint is promised."""
        return self._safe.get(name, False)


_TASKS = ("forbidden", "optional", "required")


def _task(old: Item, new: Item) -> Found:
    """Whether it runs as a task (execution.taskSupport, 2025-11-25; default forbidden)."""
    was, now = old.get("taskSupport", "forbidden"), new.get("taskSupport", "forbidden")
    if exact(was) == exact(now):
        return
    change = f"(taskSupport was {show(was)}, is {show(now)})"
    if was not in _TASKS or now not in _TASKS:
        yield BREAKING, f"cannot tell whether it runs as a task {change}"
    elif now == "optional":
        yield COMPATIBLE, f"it can be run with or without a task now {change}"
    else:
        lost = "can no longer be run as a task" if now == "forbidden" else "has to be run as a task now"
        yield BREAKING, f"it {lost} {change}"


def prompt(old: Item, new: Item, _budget: Budget) -> Found:
    """Weight and reason of each difference between two versions of a prompt."""
    before, after = _arguments(old), _arguments(new)
    if before is None or after is None:
        if exact(old.get("arguments")) != exact(new.get("arguments")):
            yield BREAKING, "cannot tell which arguments it takes: they are no list of objects, one a name"
        yield from _rest(old, new)
        return
    for name in sorted(before.keys() | after.keys()):
        was, now, shown = before.get(name), after.get(name), one_line(name, 120)
        if was is None and now is not None:
            required = now.get("required") is True
            yield (
                (BREAKING if required else COMPATIBLE),
                f"argument {shown} is new" + (" and required" if required else ""),
            )
            for weight, reason in _rest({}, _said_of(_words_of(now)), "name"):
                yield weight, f"argument {shown}: {reason}"
        elif was is not None and now is None:
            yield BREAKING, f"argument {shown} is gone"
        elif was is not None and now is not None:
            yield from _argument(shown, was, now)
    yield from _rest(old, new, "arguments")


def _argument(name: str, old: Item, new: Item) -> Found:
    was, now = old.get("required") is True, new.get("required") is True
    if now != was:
        yield (BREAKING, f"argument {name} is required now") if now else (
            COMPATIBLE, f"argument {name} is no longer required",
        )  # fmt: skip
    for weight, reason in _rest(_words_of(old), _words_of(new), "name"):
        yield weight, f"argument {name}: {reason}"


def _words_of(argument: Item) -> Item:
    """An argument but for whether it is required; where that is said in words, they are words."""
    return {key: value for key, value in argument.items() if key != "required" or not isinstance(value, bool)}


def _arguments(item: Item) -> dict[str, Item] | None:
    """By name; None where that cannot be told: no list of objects, or two of one name."""
    listed = item.get("arguments")
    if listed is None:
        return {}
    if not isinstance(listed, list) or not all(isinstance(argument, Mapping) for argument in listed):
        return None
    found = {argument["name"]: argument for argument in listed if isinstance(argument.get("name"), str)}
    return found if len(found) == len(listed) else None


def template(old: Item, new: Item, _budget: Budget) -> Found:
    """Weight and reason of each difference between two versions of a resource template."""
    if old.get("mimeType") is not None and old.get("mimeType") != new.get("mimeType"):
        yield BREAKING, _change("mimeType", old.get("mimeType"), new.get("mimeType"))
    yield from _rest(old, new, *(("mimeType",) if old.get("mimeType") is not None else ()))


def resource(old: Item, new: Item, _budget: Budget) -> Found:
    """The same of a resource, which clients look up anew each time."""
    yield from _rest(old, new)


def _rest(old: Item, new: Item, *apart: str) -> Found:
    """What is said of it; nothing that a call depends on."""
    for key in sorted(old.keys() | new.keys()):
        if key not in apart and exact(old.get(key)) != exact(new.get(key)):
            yield DESCRIBED, _change(one_line(key, 60), old.get(key), new.get(key))


def _change(name: str, was: Any, now: Any) -> str:
    return f"{name} was {_said(was)}, is {_said(now)}"


def _said(value: Any) -> str:
    return "not set" if value is None else one_line(exact(value), _SHOWN)
