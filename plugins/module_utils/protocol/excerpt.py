# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a peer's words are shown: without secrets, on one line, short."""

from __future__ import annotations

from collections.abc import Mapping

from ..redaction import SHORTEST, forms


def one_line(text: str, limit: int) -> str:
    """``text`` with anything a terminal would act upon made a space, cut after ``limit`` characters."""
    cut = text[: limit * 4]
    line = " ".join("".join(char if char.isprintable() else " " for char in cut).split())
    return line if len(line) <= limit and len(cut) == len(text) else line[:limit].rstrip() + " …"


class Excerpt:
    """Makes a peer's text showable; a value that was given to the peer is shown by its name.

    Servers print their environment and echo headers in errors, so every text that comes from one
    passes through here before it is cut: a cut could leave a part of a secret that is not recognised.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        names: dict[str, str] = {}
        for name, value in given.items():
            for form in forms(value) | {one_line(value, max(1, len(value)))}:
                if len(form) >= SHORTEST:
                    names.setdefault(form, name)
        self._names = sorted(names.items(), key=lambda item: -len(item[0]))

    def redact(self, text: str) -> str:
        """``text`` with each given value replaced by ``${NAME}``."""
        for value, name in self._names:
            text = text.replace(value, "${" + name + "}")
        return text

    def __call__(self, text: object, limit: int = 200) -> str:
        return one_line(self.redact(str(text)), limit)
