# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``update`` of a definition: times, limits and gates of its updates."""

from __future__ import annotations

import re
from dataclasses import fields

from .reader import Reader, shown
from .server import UpdatePolicy

ERAS = ("modern", "legacy")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def parse_update(reader: Reader) -> UpdatePolicy:
    """What the definition says of it, with the defaults for the rest.

    :raises FleetError: naming the key, what is wrong with it and how to write it.
    """
    known = [item.name for item in fields(UpdatePolicy)]
    update = Reader(reader.server, "update", reader.raw.get("update") or {}, known)
    default = UpdatePolicy()
    return UpdatePolicy(
        install_timeout=update.number("install_timeout", default.install_timeout, 1, 7200),
        ready_timeout=update.number("ready_timeout", default.ready_timeout, 1, 3600),
        healthy_threshold=int(update.number("healthy_threshold", default.healthy_threshold, 1, 100)),
        bake=update.number("bake", default.bake, 0, 86400),
        drain=update.number("drain", default.drain, 0, 7 * 86400),
        stop_timeout=update.number("stop_timeout", default.stop_timeout, 0, 600),
        max_error_rate=update.number("max_error_rate", default.max_error_rate, 0, 1),
        on_breaking=update.choice("on_breaking", default.on_breaking, ("stop", "allow")),
        on_description=update.choice("on_description", default.on_description, ("warn", "stop")),
        approved=_approved(update),
        era_in_use=update.number("era_in_use", default.era_in_use, 0, 90),
        drop_eras=_drop_eras(update),
    )


def _approved(update: Reader) -> tuple[str, ...]:
    for digest in update.sequence("approved"):
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise update.complaint(
                "approved", f"{shown(digest)} is no digest of a contract",
                "Copy it from the error or the result, sha256: and 64 hexadecimal digits.",
            )  # fmt: skip
    return tuple(map(str, update.sequence("approved")))


def _drop_eras(update: Reader) -> tuple[str, ...]:
    eras = update.sequence("drop_eras")
    unknown = [era for era in eras if era not in ERAS]
    if unknown:
        raise update.complaint(
            "drop_eras", f"it has {shown(unknown)}", f"Give a list of eras: {', '.join(ERAS)}."
        )
    return tuple(dict.fromkeys(eras))
