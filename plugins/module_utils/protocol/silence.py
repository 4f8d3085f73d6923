# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why no reply came, in the terms that a verdict on an era needs."""

from __future__ import annotations

OUTAGE = "outage"
"""Could be one: says nothing of an era (HTTP 401, 403, 407, 408, 429, 5xx, refused, timed out)."""

FOREIGN = "foreign"
"""The peer is well and does not know what was asked (HTTP 400, 404, 405 and their kin)."""

UNCLEAR = "unclear"
"""Not MCP, or nothing at all. A peer that is at home in the other era may answer so in this one."""


class NoReply(Exception):
    """A request has no JSON-RPC reply; ``detail`` is what came back, fit to be shown."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(detail)
