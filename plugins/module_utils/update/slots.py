# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one server: what is started in them, what is kept of them, and that they are forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..definition.server import ServerDefinition
from ..errors import FleetError
from ..journal.record import Deployment, Record
from ..slot.spec import SlotSpec
from .host import Host, port_of
from .proven import Proven
from .report import Report


@dataclass(frozen=True)
class Slots:
    """One server's slots, as its record says that they are now. A slot of a stdio server is what its launcher
    starts; no process is its own."""

    host: Host
    definition: ServerDefinition
    record: Record
    proven: Proven
    report: Report

    def defined(self, slot: str) -> SlotSpec:
        """What the definition wants to run in a slot that was given to it."""
        deployment = self.record.slots[slot]
        return self.host.slot_spec(self.definition, deployment, slot, port_of(self.record, slot))

    def in_files(self, slot: str) -> SlotSpec:
        """What a slot's files say. :raises FleetError: when they are gone."""
        spec = self.host.files.read(self.definition.name, slot)
        if spec is None:
            raise FleetError(
                f"start {slot} again", "its files are not there any more",
                "Name the version in the definition and update to it.", self.definition.name,
            )  # fmt: skip
        return spec

    def require_startable(self, slot: str) -> None:
        """Refuse to go back to what was removed by hand (a pure read). Of what was adopted only its files are
        known.

        :raises FleetError: with what is gone.
        """
        self.in_files(slot)
        deployment = self.record.slots.get(slot)
        if deployment and deployment.path and not self.host.has_release(deployment):
            raise FleetError(
                f"go back to {deployment.package}", f"its release {deployment.path} is not there any more",
                "Name the version in the definition and update to it: that installs it anew.",
                self.definition.name,
            )  # fmt: skip

    def start(self, slot: str, spec: SlotSpec) -> None:
        """Start a slot's process, or for a stdio server write what its launcher starts.

        :raises FleetError: when a stranger has its port, or nothing can be started.
        """
        if not self.definition.over_http:
            self.host.make_shared_data(spec.server)
            self.host.launchers.place(spec)
            self.proven.begun(slot, anew=True)
            return
        port = port_of(self.record, slot)
        process = self.host.driver.status(spec.server, slot)
        strangers = [
            pid for item in self.host.senses.listeners(port or 0) for pid in item.pids or ("unknown",)
        ]
        if strangers and process.state not in ("running", "starting"):
            raise FleetError(
                f"start {slot} on port {port}",
                f"the port is taken by process {', '.join(map(str, strangers))}",
                "Stop that process, or give the server other ports.", spec.server,
            )  # fmt: skip
        started = self.host.driver.start(spec)
        self.proven.begun(slot, anew=process.pid is None or started.pid != process.pid)

    def start_again(self, slot: str) -> None:
        """Start what a slot's files say. A process that outlived them is left alone.

        :raises FleetError: when files and process are both gone.
        """
        if self.host.files.read(self.definition.name, slot) is None and self.runs(slot):
            self.report.warnings.append(
                f"the files of {slot} were removed by hand; its process, which still runs, is left alone"
            )
            self.proven.begun(slot, anew=False)
        else:
            self.start(slot, self.in_files(slot))

    def runs(self, slot: str) -> bool:
        """Whether a slot still has a process, also one of which no record knows."""
        if not self.definition.over_http:
            return False
        return self.host.driver.status(self.definition.name, slot).pid is not None

    def stop(self, slot: str) -> None:
        """End a slot's process. What clients of a stdio server started is theirs."""
        if self.definition.over_http:
            self.host.driver.stop(self.definition.name, slot, self.definition.update.stop_timeout)

    def keep(self, slot: str, deployment: Deployment) -> Deployment:
        """Keep a slot's files, so that its release can come back when the new one fails; the deployment as
        it is kept: the mark of its files ends with them, unless it tells that they were changed."""
        server = self.record.server
        spec = self.host.files.read(server, slot)
        unchanged = self.proven.unchanged(slot, deployment)
        if spec is not None:
            self.host.kept.write(spec)
        return replace(deployment, files=None) if unchanged else deployment

    def give_back(self, record: Record, slot: str, displaced: Deployment) -> Record:
        """Give a slot back what it held before a release that failed; the record with it."""
        spec = self.host.kept.read(record.server, slot)
        if spec is None:
            return record
        self.host.files.write(spec)
        if displaced.files is None:
            displaced = replace(displaced, files=self.host.files.mark(record.server, slot))
        return replace(record, slots={**record.slots, slot: displaced}, previous=slot)

    def clear(self, slot: str, *, keep_log: bool = False) -> None:
        """Forget what a slot held. Clients of a stdio server keep the processes they have."""
        if self.definition.over_http:
            self.host.driver.remove(self.definition.name, slot, keep_log=keep_log)
        else:
            self.host.files.remove(self.definition.name, slot)
