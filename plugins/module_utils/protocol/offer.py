# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server offers: its lists, read to the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .eras import Era, Opening, is_unknown
from .excerpt import Excerpt
from .silence import NoReply

PAGE_LIMIT = 200
ITEM_LIMIT = 20_000

Items = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _List:
    """One list: the capability that announces it, its method, where its items stand, what names one."""

    capability: str
    method: str
    key: str
    identity: str
    optional: bool = True


TOOLS = _List("tools", "tools/list", "tools", "name", optional=False)
PROMPTS = _List("prompts", "prompts/list", "prompts", "name")
RESOURCES = _List("resources", "resources/list", "resources", "uri")
TEMPLATES = _List("resources", "resources/templates/list", "resourceTemplates", "uriTemplate")


class BadList(Exception):
    """A list could not be read; the text says which and why, fit to be shown."""


@dataclass(frozen=True)
class Offer:
    """The lists; what is not announced is empty."""

    tools: Items = ()
    prompts: Items = ()
    resources: Items = ()
    resource_templates: Items = ()

    def describe(self) -> str:
        """``13 tools, 4 prompts, 7 resources, 2 resource templates``."""
        counts = (
            (self.tools, "tool"),
            (self.prompts, "prompt"),
            (self.resources, "resource"),
            (self.resource_templates, "resource template"),
        )
        return ", ".join(f"{len(items)} {word}{'s' * (len(items) != 1)}" for items, word in counts)


def read_offer(era: Era, opening: Opening, until: float, excerpt: Excerpt) -> Offer:
    """Read every list that the server announces; raises BadList for one that cannot be read to its end."""

    def read(kind: _List) -> Items:
        return (
            _read(era, kind, until, excerpt) if opening.capabilities.get(kind.capability) is not None else ()
        )

    return Offer(read(TOOLS), read(PROMPTS), read(RESOURCES), read(TEMPLATES))


def _read(era: Era, kind: _List, until: float, excerpt: Excerpt) -> Items:
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _page in range(PAGE_LIMIT):
        try:
            reply = era.ask(kind.method, {} if cursor is None else {"cursor": cursor}, until)
        except NoReply as silence:
            raise BadList(f"{kind.method}: {silence.detail}") from None
        if is_unknown(reply) and kind.optional and cursor is None:
            # Servers announce prompts and resources that they have no list of; clients take that for none.
            return ()
        if reply.error is not None:
            raise BadList(f"{kind.method} was answered {excerpt(reply.error.describe())}")
        result = reply.result or {}
        found += _checked(result.get(kind.key), kind, len(found), excerpt)
        if len(found) > ITEM_LIMIT:
            raise BadList(f"{kind.method} gave more than {ITEM_LIMIT} items")
        cursor = result.get("nextCursor")
        if cursor is None or cursor == "":
            return _each_once(found, kind, excerpt)
        if not isinstance(cursor, str):
            raise BadList(f"{kind.method} gave a nextCursor that is no text")
        if cursor in seen:
            raise BadList(f"{kind.method} goes in circles: the cursor {excerpt(cursor, 40)!r} came twice")
        seen.add(cursor)
    raise BadList(f"{kind.method} has more than {PAGE_LIMIT} pages")


def _checked(items: Any, kind: _List, before: int, excerpt: Excerpt) -> list[Mapping[str, Any]]:
    if not isinstance(items, list):
        raise BadList(f"{kind.method} gave a result without a list of {kind.key}")
    for number, item in enumerate(items, before + 1):
        if not isinstance(item, dict):
            raise BadList(f"{kind.method}: item {number} is no object")
        identity = item.get(kind.identity)
        if not isinstance(identity, str) or not identity:
            raise BadList(f"{kind.method}: item {number} has no {kind.identity}")
        if kind is TOOLS and not isinstance(item.get("inputSchema"), dict):
            # A client's library refuses the whole list for this.
            raise BadList(f"{kind.method}: {excerpt(identity, 60)!r} has no inputSchema")
    return items


def _each_once(items: Sequence[Mapping[str, Any]], kind: _List, excerpt: Excerpt) -> Items:
    """The items without repetitions of the same.

    What is listed twice in different forms is no list to go by: a client may take either, a person sees one.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        identity = item[kind.identity]
        known = found.setdefault(identity, item)
        if known is not item and _text(known) != _text(item):
            raise BadList(f"{kind.method} lists {excerpt(identity, 60)!r} twice, and not the same both times")
    return tuple(found.values())


def _text(item: Mapping[str, Any]) -> str:
    """An item but for bookkeeping of the protocol; 1 and true are not the same."""
    return json.dumps({key: value for key, value in item.items() if key != "_meta"}, sort_keys=True)
