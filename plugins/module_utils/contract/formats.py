# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of ``format``: of text (2020-12, Validation, section 7.3), and of numbers (OpenAPI's registry)."""

from __future__ import annotations

IMPLIED = {
    "uri": ("uri-reference", "iri", "iri-reference"),
    "email": ("idn-email",),
    "hostname": ("idn-hostname",),
}
"""Formats of text, and those that all of their values are of too."""

INTEGERS: dict[str, tuple[int, int]] = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    "int": (-(2**63), 2**63 - 1),
    "uint": (0, 2**64 - 1),
}
"""Formats of integers: the lowest and the highest."""

FLOAT, DOUBLE = "float", "double"
FLOAT_EXACT = 2**24
"""Integers up to it are exact in single precision."""

OF_NUMBERS = frozenset({*INTEGERS, FLOAT, DOUBLE})

OF_TEXT = frozenset(
    {
        "base64", "base64url", "binary", "byte", "cidrv4", "cidrv6", "color", "cuid", "cuid2", "date",
        "date-time", "directory-path", "duration", "e164", "email", "emoji", "file-path", "hostname",
        "idn-email", "idn-hostname", "ipv4", "ipv4interface", "ipv4network", "ipv6", "ipv6interface",
        "ipv6network", "ipvanyaddress", "ipvanyinterface", "ipvanynetwork", "iri", "iri-reference", "json",
        "json-pointer", "json-string", "jwt", "ksuid", "multi-host-uri", "nanoid", "password", "path",
        "phone", "regex", "relative-json-pointer", "time", "ulid", "uri", "uri-reference", "uri-template",
        "url", "uuid", "uuid1", "uuid3", "uuid4", "uuid5", "xid",
    }
)  # fmt: skip
"""Those of the specification, of OpenAPI and of the libraries that write most schemas; they say nothing of
numbers."""

KNOWN = OF_NUMBERS | OF_TEXT
