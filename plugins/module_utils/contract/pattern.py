# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that come from a server: used only where they cannot take long."""

from __future__ import annotations

import functools
import math
import re

_LONGEST = 200
MOST_WAYS = _LONGEST**2
_ONE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""An escaped character, or a class of characters."""
_REPEATED = r"[*+?]|\{\d*(?:,\d*)?\}"
_CHOICE = re.compile(rf"(?P<group>[()|])|(?P<repeated>{_REPEATED})[?+]?")
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{)")
_REFERENCE = re.compile(r"\\[1-9kpPcC]|\(\?[^:]")

_ESCAPED = r"\\(?:[dDwWtnrfvsS]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|[^a-zA-Z0-9])"
_TOKEN = re.compile(
    rf"(?P<end>\$)|{_ESCAPED}|\\b|\[\^?(?:{_ESCAPED}|[^\]\\\[])(?:{_ESCAPED}|[^\]\\\[])*\]"
    r"|\(\?:|[()|^.]|(?:[*+?]|\{\d+(?:,\d*)?\})\??(?![*+?{])|[^\\\[\](){}.$*+?|^]",
    re.DOTALL,
)
"""What Python and ECMA 262 read alike; not ``[]x]``, ``{,2}``, ``\\Z``, ``a++``. Only ``$`` is written
otherwise: it is the very end in ECMA 262, and also before a last line break in Python."""
_SPACES = re.compile(r"\\[sS]")
_LINE_ENDS = re.compile("[\r\u2028\u2029]")


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in a text; None when that is not tried.

    (Python has no time limit for a search.)
    """
    if len(text) > _LONGEST or ways(pattern) > MOST_WAYS:
        return None
    translated = _translated(pattern)
    if translated is None or _read_differently(pattern, text):
        return None
    try:
        return re.search(translated, text, re.ASCII) is not None
    except (re.error, RecursionError, OverflowError):
        return None


@functools.lru_cache(maxsize=64)
def _translated(pattern: str) -> str | None:
    """The pattern for Python; None where it may mean something else there."""
    found, at = [], 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return None
        found.append(r"\Z" if token["end"] else token[0])
        at = token.end()
    return "".join(found)


def _read_differently(pattern: str, text: str) -> bool:
    """Whether languages differ in what a space, a line's end or one character of this text is."""
    if pattern.isascii() and text.isascii() and "\r" not in text:
        return False
    if max(pattern + text) > "\uffff":
        return True
    return bool(
        ("." in pattern and _LINE_ENDS.search(text)) or (_SPACES.search(pattern) and not text.isascii())
    )


def ways(pattern: str) -> int:
    """In how many ways a pattern may be tried at one place of a text of 200 characters, at most.

    More than ``MOST_WAYS`` for a pattern that is too long, repeats a group, or refers to one.
    """
    plain = _ONE.sub("x", pattern.replace("(?:", "("))
    if len(pattern) > _LONGEST or _GROUP_REPEATED.search(plain) or _REFERENCE.search(pattern):
        return MOST_WAYS + 1
    found, alternatives = 1, [1]
    for choice in _CHOICE.finditer(plain):
        if choice["repeated"]:
            found *= _lengths(choice["repeated"])
        elif choice["group"] == "(":
            alternatives.append(1)
        elif choice["group"] == "|":
            alternatives[-1] += 1
        elif len(alternatives) > 1:
            found *= alternatives.pop()
    return found * math.prod(alternatives)


def _lengths(repeated: str) -> int:
    """How many lengths a repetition may have in a text."""
    if repeated == "?":
        return 2
    least, comma, most = repeated.strip("{}").partition(",")
    if repeated[0] != "{" or (comma and not most):
        return _LONGEST
    return min(_LONGEST, abs(int(most) - int(least or 0)) + 1) if comma else 1
