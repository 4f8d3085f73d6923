# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``probe_headers`` of a definition: what a server wants from each client before it answers.

Their values name credentials, as ``{NAME}``, in place of having them: what stands here may be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..protocol.targets import OWN_HEADERS
from .reader import Reader, shown

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{1,4096}")
_CREDENTIAL = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile("auth|cookie|key|pass|secret|token")
"""Names of headers whose values are secrets."""
_FLEET = frozenset(("host", "origin", "user-agent", *OWN_HEADERS))
"""What a probe says of itself: by them servers, edges and counts of eras know it."""


def parse_probe_headers(
    reader: Reader, transport: str, credentials: Mapping[str, str] | None
) -> dict[str, str]:
    """What the definition says of them.

    :param credentials: of the server; None: they are known elsewhere.
    :raises FleetError: naming the header, what is wrong with it and how to write it.
    """
    headers = reader.raw.get("probe_headers") or {}
    if not isinstance(headers, Mapping):
        raise reader.complaint("probe_headers", "it is no mapping", "Write it as NAME: value pairs.")
    if headers and transport == "stdio":
        raise reader.complaint(
            "probe_headers", "a server over stdio is sent no headers",
            "Leave it out; what the server needs goes into its credentials.",
        )  # fmt: skip
    for name, value in headers.items():
        _check(reader, name, value, credentials)
    if len({name.lower() for name in headers}) < len(headers):
        raise reader.complaint("probe_headers", "a header is there twice", "Keep one of them.")
    return dict(headers)


def filled(headers: Mapping[str, str], credentials: Mapping[str, str]) -> dict[str, str]:
    """The headers with their credentials in place; without those that name one which is not there."""
    return {
        name: _CREDENTIAL.sub(lambda found: credentials[found[1]], value)
        for name, value in headers.items()
        if all(credential in credentials for credential in _CREDENTIAL.findall(value))
    }


def _check(reader: Reader, name: object, value: object, credentials: Mapping[str, str] | None) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        came_back = f"{shown(name)} is no name of a header"
        raise reader.complaint("probe_headers", came_back, "Write it like X-Api-Key.")
    key = f"probe_headers.{name}"
    if name.lower() in _FLEET:
        raise reader.complaint(key, "the probes themselves set this header", "Leave it out.")
    by_name = 'credentials by their names: "Bearer {API_TOKEN}".'
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        came_back = "it is no text of ASCII characters (what it is is not shown)"
        raise reader.complaint(key, came_back, f"Write it on one line, with {by_name}")
    named = _CREDENTIAL.findall(value)
    if _SECRET.search(name.lower()) and not named:
        came_back = "it has a secret in it, or none at all (what it has is not shown)"
        raise reader.complaint(key, came_back, f"Put the secret into credentials; name {by_name}")
    unknown = [] if credentials is None else [each for each in named if each not in credentials]
    if unknown:
        there = ", ".join(sorted(credentials or ())) or "there are none"
        came_back = f"{', '.join(unknown)} is not among the credentials ({there})"
        raise reader.complaint(key, came_back, "Correct the name, or add the credential.")
