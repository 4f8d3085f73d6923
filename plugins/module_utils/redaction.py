# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which a secret may stand in what somebody prints."""

from __future__ import annotations

import json
from collections.abc import Iterable

SHORTEST = 4
"""Characters from which on a value is taken for a secret; shorter ones would garble every text."""

_PIECE = 8
"""The same for a line or a word of one."""


def forms(secret: str) -> set[str]:
    """It whole, its lines and its words, each also as JSON and Python quote it."""
    pieces = {secret, secret.strip(), " ".join(secret.split())}
    pieces = {piece for piece in pieces if len(piece) >= SHORTEST}
    parts = (*secret.splitlines(), *secret.split())
    pieces |= {part.strip() for part in parts if len(part.strip()) >= _PIECE}
    return pieces | {quote(piece)[1:-1] for piece in pieces for quote in (json.dumps, repr)}


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in whichever of their ``forms`` they stand there."""
    pieces = {form for secret in secrets for form in forms(secret)}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "********")
    return text
