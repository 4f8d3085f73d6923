# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that a person does not see and a model reads: found, named by code point, shown escaped.

What they are used for: text in another order than it is read (bidirectional controls, CVE-2021-42574),
instructions in tag characters or variation selectors, words that look the same and are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

_SUSPECT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_JOINERS = "\u200c\u200d"
_STYLE = "\ufe0e\ufe0f"


def hidden(text: str) -> list[str]:
    """The code points of hidden characters, ``U+202E`` and so on, each once, in the order of the text.

    Where writing needs one it is none: a joiner between letters of scripts that join, or between emoji; one
    selector of style after a symbol.
    """
    if text.isascii() and text.isprintable():
        return []
    found: dict[str, None] = {}
    for match in _SUSPECT.finditer(text):
        if not _needed(text, match.start()):
            found[code_point(match.group())] = None
    return list(found)


def code_point(character: str) -> str:
    """``U+202E``."""
    return f"U+{ord(character):04X}"


def _needed(text: str, at: int) -> bool:
    character, before = text[at], text[at - 1 : at]
    if character in _STYLE:
        return bool(before) and (
            before in "#*0123456789" or unicodedata.category(before) in ("So", "Sm", "Po")
        )
    if character in _JOINERS:
        after = text[at + 1 : at + 2]
        return _joins(before) and _joins(after)
    return False


def _joins(character: str) -> bool:
    return character > "\u00ff" and (
        character in _STYLE or unicodedata.category(character) in ("Lo", "Mn", "Mc", "So", "Sk")
    )


def visible(text: str) -> str:
    """The text with hidden characters, and those that a terminal acts upon, as ``<U+202E>``.

    Line breaks and tabs are kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in "\n\t" or _shown(text, at) else f"<{code_point(character)}>"
        for at, character in enumerate(text)
    )


def _shown(text: str, at: int) -> bool:
    character = text[at]
    if _SUSPECT.match(character):
        return _needed(text, at)
    return character.isprintable() or character == "\u3000" or unicodedata.category(character) == "Zs"


def one_line(text: str, limit: int) -> str:
    """The same on one line, cut after ``limit`` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else f"{line[:limit].rstrip()} …"


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, keys too, each with where it stands."""
    waiting = [(path, value)]
    while waiting:
        where, item = waiting.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, Mapping):
            for key, inner in item.items():
                below = f"{where}.{key}" if where else str(key)
                yield f"name {where}".rstrip(), str(key)
                waiting.append((below, inner))
        elif isinstance(item, (list, tuple)):
            waiting += [(where, inner) for inner in item]


def _suspicious(value: Any) -> bool:
    """Whether there can be any: most have none, and this is much quicker than to say where."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _SUSPECT.search(item):
                return True
        elif isinstance(item, Mapping):
            waiting += item
            waiting += item.values()
        elif isinstance(item, (list, tuple)):
            waiting += item
    return False


def hidden_in(value: Any) -> dict[str, list[str]]:
    """Where in a value hidden characters stand, and which."""
    if not _suspicious(value):
        return {}
    found: dict[str, list[str]] = {}
    for where, text in texts(value):
        for point in hidden(text):
            listed = found.setdefault(visible(where), [])
            if point not in listed:
                listed.append(point)
    return found
