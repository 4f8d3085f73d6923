# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that the collection's logic raises."""

from __future__ import annotations


class FleetError(Exception):
    """Something could not be done, said so that an operator can act on it.

    :param tried: what was tried and on what, e.g. ``start slot green on port 21001``.
    :param came_back: what was observed instead of success.
    :param cure: what the operator can do about it.
    :param server: the server it concerns, where there is one.
    """

    def __init__(self, tried: str, came_back: str, cure: str, server: str | None = None) -> None:
        self.tried = tried
        self.came_back = came_back
        self.cure = cure
        self.server = server
        super().__init__(str(self))

    def on(self, server: str) -> FleetError:
        """The same error, naming the server when it did not yet."""
        return self if self.server else type(self)(self.tried, self.came_back, self.cure, server)

    def __str__(self) -> str:
        subject = f"{self.server}: " if self.server else ""
        return f"{subject}{self.tried}: {self.came_back.rstrip('.')}. {self.cure}"
