# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log, fit to stand in an error."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_READ = 64 * 1024
_LINE = 500
_SHORTEST_SECRET = 4


def tail(path: Path, lines: int, secrets: Sequence[str] = ()) -> str:
    """The last lines of a file (of its last 64 KiB), made ``readable``; empty when there is no file."""
    try:
        with open(path, "rb") as stream:
            start = max(0, stream.seek(0, os.SEEK_END) - _READ)
            stream.seek(start)
            text = stream.read(_READ).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    hidden = mask(text, secrets)
    # Where the file is longer, the end of a secret may stand at the cut, which masking cannot know.
    return readable(hidden[max(map(len, secrets), default=0) :] if start else hidden, lines)


def mask(text: str, secrets: Sequence[str]) -> str:
    """The text without the secrets, but for those below 4 characters, which would mask half of it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "********")
    return text


def readable(text: str, lines: int) -> str:
    """The last lines of what a server wrote, without control characters, each at most 500 characters long."""
    found = [_clean(line) for line in text.splitlines() if line.strip()]
    return "\n".join(found[-lines:])


def _clean(line: str) -> str:
    kept = "".join(character for character in line if character.isprintable() or character == "\t").rstrip()
    return kept if len(kept) <= _LINE else f"{kept[:_LINE]} … ({len(kept)} characters)"
