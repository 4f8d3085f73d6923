# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that come from a server: used only where they cannot take long."""

from __future__ import annotations

import re

_LONGEST = 200
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\d*\})")
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{)")
_REFERENCE = re.compile(r"\\[1-9kpPcC]|\(\?[^:]")
"""Also what Python reads in another way than ECMA 262 does."""


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in a text; None when that is not tried.

    A pattern with at most two repetitions and no repeated group takes at most the square of the text's
    length. (Python has no time limit for a search.)
    """
    if len(pattern) > _LONGEST or len(text) > _LONGEST:
        return None
    if _GROUP_REPEATED.search(pattern) or _REFERENCE.search(pattern):
        return None
    if len(_UNBOUNDED.findall(pattern)) > 2:
        return None
    try:
        # $ is the very end in ECMA 262, and also before a last line break in Python.
        return re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), text, re.ASCII) is not None
    except (re.error, RecursionError, OverflowError):
        return None
