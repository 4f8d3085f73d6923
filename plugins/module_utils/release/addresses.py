# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses in lock files from which artifacts come, and which of them carry a password or token.

Only these are looked at: the rest of a lock file is what publishers wrote into their packages, such as a
dependency called ``auth-token`` or a ``funding`` page with a query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")
_CREDENTIAL = re.compile(r"(?i)token|auth|pass|pwd|secret|cred|key|jwt|sig(nature)?\b")
_DEPENDENCIES = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
_WEB = ("http", "https", "git+http", "git+https")


def resolved_from(name: str, data: bytes) -> list[str]:
    """The addresses that a lock file (``package-lock.json``, ``requirements.txt``) has artifacts from.

    :raises ValueError: when it is not what it is called.
    """
    text = data.decode("utf-8", "replace")
    if name.endswith(".json"):
        return [value for value in _resolved(json.loads(text)) if _ADDRESS.match(value)]
    # Beside names, versions and hashes it has only options and direct references, comments included.
    return _ADDRESS.findall(text)


def carries_credential(address: str) -> bool:
    """Whether an address has what lets its reader in: a password, a token as user, or one in its query."""
    try:
        parts = urlsplit(address)
        queried = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        # What cannot be taken apart cannot be shown to have none.
        return True
    # Over ssh a user alone is a name; on the web that is how a token is given, but for git's own.
    token = parts.username if parts.scheme in _WEB and parts.username != "git" else None
    return bool(parts.password or token or any(_CREDENTIAL.search(key) for key, _value in queried))


def _resolved(value: Any) -> Iterator[str]:
    """What entries of a package-lock.json came from, and what they name as dependencies."""
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == "resolved" and isinstance(inside, str):
                yield inside
            elif key in _DEPENDENCIES and isinstance(inside, dict):
                yield from (named for named in inside.values() if isinstance(named, str))
            yield from _resolved(inside)
