# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an installation failed: what npm or uv said, told so that an operator can act on it.

Every pattern comes from the output of a real failure (npm 11.19, uv 0.13); tests/unit/release has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import FleetError
from .package import Package

QUOTE_LIMIT = 500
"""Characters of a tool's words that an error repeats."""

_LINES = 6
_LINE_LIMIT = 240

_SECRETS = (
    (re.compile(r"(\w+://)[^/\s'\"`]*@"), r"\1"),
    (re.compile(r"(\w+://[^\s?#'\"`)]+)\?[^\s'\"`)]*"), r"\1?***"),
    (
        re.compile(
            r"(?i)((?:_authtoken|_auth|_password|password|token|authorization)['\"]?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?\S+"
        ),
        r"\1***",
    ),
)
_PREFIX = re.compile(
    r"npm (?:error|warn tar(?:ball)?(?= )) ?(?:(?:40\d|notarget|nospc|network|notsup|enoent)\b ?)?"
    r"|\s*(?:error|cause): "
)
_NOISE = re.compile(
    r"npm warn |\s+at |\s*[A-Za-z]+: .*,$|\W*$|\s*(code|syscall|errno|type|requiredBy)\b"
    r"|A complete log of this run|Log files were not written|If you are behind a proxy|In most cases"
    r"|This is a problem related to net|Note that you can also install|tarball, folder, http url"
    r"|added \d+ packages|up to date|\s*\[(stdout|stderr)\]$"
    r"|No solution found when resolving|Request failed after|error sending request for|client error \("
)
_TELLING = re.compile(r"(?i)\b(fatal error|error|exception)\b.{0,3}:|hint:")


@dataclass(frozen=True)
class Kind:
    """One way to fail: how it shows in a tool's output, what it means, what to do."""

    name: str
    pattern: re.Pattern[str]
    meaning: str
    cure: str


def _kind(name: str, pattern: str, meaning: str, cure: str) -> Kind:
    return Kind(name, re.compile(pattern), meaning, cure)


KINDS = (
    # The first that matches counts, so what shows up as a consequence of something else comes after it.
    _kind(
        "no room",
        r"ENOSPC|No space left on device|EDQUOT|[Dd]isk quota exceeded",
        "the disk has no room",
        "Free space or inodes on the filesystem of the releases and of their cache.",
    ),
    _kind(
        "not writable",
        r"EROFS|Read-only file system|code (EACCES|EPERM)|Permission denied \(os error 13\)",
        "a folder cannot be written",
        "Let the user who installs own the folder, or mount it writable.",
    ),
    _kind(
        "hash mismatch",
        r"EINTEGRITY|Hash mismatch for",
        "an archive is not what the registry says it is (hash mismatch)",
        "Do not install it. Ask the publisher, or look at the mirror or proxy in between; "
        "a mirror that was corrected may need its cached copy cleared.",
    ),
    _kind(
        "access refused",
        r"code E40[137]\b|401 Unauthorized|403 Forbidden|407 Proxy",
        "the registry refused access",
        "Check the credentials for the registry in the npm or uv configuration of the user who installs.",
    ),
    _kind(
        "tls",
        r"invalid peer certificate|UnknownIssuer|SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)|CERT_HAS_EXPIRED"
        r"|ERR_TLS|certificate verify failed",
        "the certificate of the registry was not accepted",
        "Let the host trust the registry's certificate authority (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE), "
        "and check its clock.",
    ),
    _kind(
        "cut off",
        r"end of file before message length|error reading a body|ECONNRESET|socket hang up|: aborted"
        r"|connection closed before|IncompleteMessage|Failed to read from zip file|ERR_STREAM_PREMATURE",
        "the registry was cut off in the middle of a download",
        "Nothing was installed. Run it again; if it stays so, look at the network or the proxy in between.",
    ),
    _kind(
        "out of reach",
        r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT"
        r"|network timeout at|client error \(Connect\)|dns error|operation timed out|code ENOTCACHED"
        r"|network was disabled",
        "the registry is out of reach",
        "Check the network, DNS, the proxy, and the registry's address in the npm or uv configuration.",
    ),
    _kind(
        "registry fault",
        r"code E(429|5\d\d)\b|HTTP status (server|client) error|invalid json response",
        "the registry answered with an error",
        "Try again later; if it stays so, ask whoever runs the registry.",
    ),
    _kind(
        "compiler",
        r"Failed to build|build backend returned an error|gyp ERR!",
        "a part of it has to be built from source here, and that failed",
        "Choose a version that has a ready-made build for this platform and runtime, "
        "or install the compiler and the libraries that it names.",
    ),
    _kind(
        "another runtime",
        r"(current|requested) Python version|Python version tag|Python ABI tag|Unsupported engine"
        r"|No interpreter found",
        "it needs another version of Python or Node.js than this host has",
        "Choose a version of the package for this runtime, or give the host another runtime (named in "
        "mcp_node or mcp_python; then run site).",
    ),
    _kind(
        "another platform",
        r"EBADPLATFORM|matching platform tag|Unsupported platform",
        "it is not made for this platform",
        "Choose a package or version for this operating system and processor.",
    ),
)

UNKNOWN_PACKAGE = Kind(
    "unknown package",
    re.compile(
        r"(?:Because |and )(\S+) was not found in the package registry|The requested resource '(\S+)@[^'@]*'"
    ),
    "the registry does not know it",
    "Check registry_type and identifier; a private package also looks like this without its credentials.",
)
UNKNOWN_VERSION = Kind(
    "unknown version",
    re.compile(r"there (?:is|are) no versions? of ([^\s=<>!~,\[]+)|No matching version found for (\S+)@"),
    "the registry knows the package but not this version",
    "Choose a version that is there.",
)
DEPENDENCY = Kind(
    "dependency",
    re.compile(r"requirements are unsatisfiable|code ERESOLVE"),
    "something that it depends on is not to be had",
    "Choose another version of the package, or tell its publisher.",
)
OTHER = Kind("other", re.compile(r""), "the tool failed", "Act on what it said, then run it again.")


def without_secrets(text: str) -> str:
    """The text without the passwords and tokens that addresses and configuration carry."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def classify(package: Package, output: str) -> Kind:
    """Which kind of failure a tool's output tells of."""
    for kind in KINDS:
        if kind.pattern.search(output):
            return kind
    for kind in (UNKNOWN_VERSION, UNKNOWN_PACKAGE):
        found = kind.pattern.search(output)
        if found:
            name = next(group for group in found.groups() if group)
            same = name.lower().replace("_", "-") == package.identifier.lower().replace("_", "-")
            return kind if same else DEPENDENCY
    return DEPENDENCY if DEPENDENCY.pattern.search(output) else OTHER


def quote(output: str) -> str:
    """The lines of a tool's output that tell why it failed, on one line, free of secrets."""
    lines: list[str] = []
    for said in without_secrets(output).splitlines():
        line = _PREFIX.sub("", said, count=1) if _PREFIX.match(said) else said
        # A full disk makes npm say the same of every file.
        repeated = line.startswith("TAR_ENTRY_ERROR") and any(line[:22] == other[:22] for other in lines)
        if not _NOISE.match(line) and not repeated and line.strip() not in lines:
            lines.append(line.strip()[:_LINE_LIMIT])
    if len(lines) > _LINES:
        lines = [lines[0], *[line for line in lines[1:] if _TELLING.search(line)][-(_LINES - 1) :]]
    text = " | ".join(lines)
    return text if len(text) <= QUOTE_LIMIT else text[: QUOTE_LIMIT - 1] + "…"


def failure(package: Package, tool: str, output: str, available: Sequence[str] = ()) -> FleetError:
    """The error for a tool's failed run; ``available`` are versions that can be had, newest last."""
    kind = classify(package, output)
    cure = kind.cure
    if kind is UNKNOWN_VERSION and available:
        cure = f"Choose a version that is there; the newest: {', '.join(reversed(available))}."
    said = quote(output)
    return FleetError(f"install {package}", f"{kind.meaning} ({tool}: {said or 'nothing'})", cure)
