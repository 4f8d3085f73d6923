# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which slots were proven with just what they would start now; those have only to answer again."""

from __future__ import annotations

from dataclasses import replace

from ..contract.offer import Offer
from ..definition.kept import restored
from ..definition.server import ServerDefinition
from ..journal.record import Deployment, Record
from .host import Host


class Proven:
    """What one run knows of the slots of a server.

    A slot's files are marked in its deployment when it was proven with them. What somebody changed by hand
    since is another release or configuration: it has to be proven as the first was, unless the process that
    was proven still runs.
    """

    def __init__(self, host: Host, server: str) -> None:
        self._host = host
        self._server = server
        self._started: dict[str, bool] = {}

    def begun(self, slot: str, *, anew: bool) -> None:
        """A slot was brought up: ``anew`` from its files, or what ran was left alone."""
        self._started[slot] = anew

    def unchanged(self, slot: str, deployment: Deployment) -> bool:
        """Whether the files are those that the deployment was proven with; also where that is not known."""
        return deployment.files in (None, self._host.files.mark(self._server, slot))

    def answer(self, record: Record, slot: str) -> Offer | None:
        """What was proven, where to answer again is enough; else None."""
        left_alone = self._started.get(slot) is False
        enough = left_alone or self.unchanged(slot, record.slots[slot])
        return proven_offer(record, slot) if enough else None

    def marked(self, slot: str, deployment: Deployment) -> Deployment:
        """The deployment, proven with what its files say now, if the process is known to be of them."""
        if not self._started.get(slot):
            return deployment
        return replace(deployment, files=self._host.files.mark(self._server, slot))


def proven_offer(record: Record, slot: str | None) -> Offer | None:
    """What a slot's release offered when it was proven; None for no slot, or one that never was."""
    deployment = record.slots.get(slot) if slot else None
    return Offer.from_json(deployment.offer) if deployment and deployment.offer else None


def own_contract(definition: ServerDefinition, deployment: Deployment) -> ServerDefinition:
    """The definition; for a deployment of another release as one of that, with what was said of it when it
    was deployed, as far as that was kept."""
    if definition.package == deployment.package:
        return definition
    try:
        said = restored(deployment.definition or {})
    except (ValueError, TypeError, KeyError):
        said = definition
    return replace(
        definition,
        registry_type=deployment.registry_type,
        identifier=deployment.identifier,
        version=deployment.version,
        sha256=deployment.sha256,
        require=said.require,
        probe_headers=said.probe_headers,
    )
