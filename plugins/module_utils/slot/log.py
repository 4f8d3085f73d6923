# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log, fit to stand in an error."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..redaction import mask

_READ = 64 * 1024
_LINE = 500

LOOKED_AT = 200
"""Lines at the end of a log that ``in_short`` looks at."""
_SHOWN, _CHARACTERS = 12, 1500
_TELLING = re.compile(r"\b(error|fatal|panic|exception)\b", re.IGNORECASE)


def tail(paths: Sequence[Path], lines: int, secrets: Sequence[str] = ()) -> str:
    """The last lines of a log in parts, the oldest first, made ``readable``; a missing part is empty.

    Only the last 64 KiB are looked at.
    """
    data, cut = b"", False
    for path in reversed(paths):
        part, cut = _end(path, _READ - len(data))
        data = part + data
        if cut:
            break
    hidden = mask(data.decode("utf-8", "replace"), secrets)
    # Where there is more before, the end of a secret may stand at the cut, which masking cannot know.
    shown = readable(hidden[max(map(len, secrets), default=0) :] if cut else hidden, lines)
    # Once more: without control characters in it a secret may be one again.
    return mask(shown, secrets)


def _end(path: Path, size: int) -> tuple[bytes, bool]:
    """The last bytes of a file, and whether there are more before them."""
    try:
        with open(path, "rb") as stream:
            start = max(0, stream.seek(0, os.SEEK_END) - size)
            stream.seek(start)
            return stream.read(size), start > 0
    except FileNotFoundError:
        return b"", False


def in_short(text: str) -> str:
    """The last lines of a log on one line; before them the first that tells of an error, if it is further up.

    Many programs say what is wrong, and then for a page how they are used.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for line in lines[:-_SHOWN] if _TELLING.search(line)), None)
    return (f"{telling} | … | " if telling else "") + " | ".join(lines[-_SHOWN:])[-_CHARACTERS:]


def readable(text: str, lines: int) -> str:
    """The last lines of what a server wrote, without control characters, each at most 500 characters long."""
    found = [_clean(line) for line in text.splitlines() if line.strip()]
    return "\n".join(found[-lines:])


def _clean(line: str) -> str:
    kept = "".join(character for character in line if character.isprintable() or character == "\t").rstrip()
    return kept if len(kept) <= _LINE else f"{kept[:_LINE]} … ({len(kept)} characters)"
