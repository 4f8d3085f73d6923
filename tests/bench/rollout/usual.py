# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usual playbook: one virtual environment, the next version installed in place, restart, wait.

In front of the hosts is an HAProxy as anybody would set it up: round robin, health checks, sessions kept by a
stick-table.
"""

from __future__ import annotations

from pathlib import Path

from .fleet import NEWER, OLDER, SERVERS, Fleet, Run

PORT = 8091
PLAYBOOKS = Path(__file__).parent


class Usual:
    """The first of SERVERS on the same hosts, beside the fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.url = fleet.url("mcp", PORT)
        self._package = SERVERS[0].identifier

    def deploy(self) -> None:
        """The older version on every host, and the HAProxy before them."""
        self._run("usual_deploy.yml", OLDER).succeeded()

    def update(self) -> Run:
        """The newer version, host by host."""
        return self._run("usual_update.yml", NEWER)

    def _run(self, playbook: str, versions: dict[str, str]) -> Run:
        version = versions[f"{SERVERS[0].name}_version"]
        return self._fleet.run(
            str(PLAYBOOKS / playbook), usual_package=self._package, usual_version=version, usual_port=PORT
        )
