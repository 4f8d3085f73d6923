# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that come from a server: used only where they cannot take long."""

from __future__ import annotations

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
"""Also what Python reads in another way than ECMA 262 does."""


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in a text; None when that is not tried.

    (Python has no time limit for a search.)
    """
    if len(text) > _LONGEST or ways(pattern) > MOST_WAYS:
        return None
    try:
        # $ is the very end in ECMA 262, and also before a last line break in Python.
        return re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), text, re.ASCII) is not None
    except (re.error, RecursionError, OverflowError):
        return None


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
