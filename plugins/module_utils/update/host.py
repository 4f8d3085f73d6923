# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host as an update sees it: every concern, put together from what the role host left there."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..audit.trail import Limits, Trail
from ..definition.server import ServerDefinition
from ..edge.edge import Edge
from ..edge.runtime import Runtime
from ..effects import Effects, sync_directory
from ..eras.known import Known
from ..eras.ledger import Ledger
from ..errors import FleetError
from ..host.layout import Layout
from ..journal.journal import Journal
from ..journal.record import SLOTS, Deployment, Record
from ..release.kind import Settings
from ..release.package import Package, Tools
from ..release.releases import Releases
from ..slot.container import contained, container_name, obstacle, unheld
from ..slot.driver import SlotDriver
from ..slot.files import SlotFiles
from ..slot.launcher import Launchers
from ..slot.log import LOOKED_AT, in_short
from ..slot.sealed import HostKey
from ..slot.spec import SlotSpec
from ..slot.supervisord import SupervisordDriver
from ..slot.systemd import SystemdDriver
from .senses import Senses


@dataclass(frozen=True)
class Host:
    """All that acts on one host. ``kept`` has the files of a slot while another release has its place."""

    effects: Effects
    layout: Layout
    journal: Journal
    releases: Releases
    files: SlotFiles
    kept: SlotFiles
    driver: SlotDriver
    launchers: Launchers
    edge: Edge
    trail: Trail
    senses: Senses = field(default_factory=Senses)

    def data_directory(self, server: str) -> Path:
        """A server's own folder, its working directory; it outlives releases."""
        return self.layout.data / server

    def has_release(self, deployment: Deployment) -> bool:
        """Whether a deployment's release is still the one that was installed for it."""
        release = self.releases.at(Path(deployment.path))
        return release is not None and release.digest == deployment.release

    def make_shared_data(self, server: str) -> None:
        """The own folder of a stdio server, into which all who start it write."""
        folder, clients = self.data_directory(server), self.layout.clients
        self.effects.make_directory(folder, 0o2770 if clients else 0o700)
        if clients and folder.group() != clients:
            self.effects.act("chown", str(folder), lambda: shutil.chown(folder, group=clients))
            self.effects.act("chmod", str(folder), lambda: folder.chmod(0o2770))

    def secrets(self, server: str) -> dict[str, str]:
        """The credentials that a server's processes were given, which nothing that it says may show."""
        found: dict[str, str] = {}
        for slot in SLOTS:
            spec = self.files.read(server, slot)
            for name, value in (spec.credentials if spec else {}).items():
                found[name if found.get(name, value) == value else f"{name} of {slot}"] = value
        return found

    def sync(self, server: str) -> None:
        """Make durable the names of all that an update of this server finds and may leave as it is.

        A run that was killed between a rename and the fsync of its folder leaves what reads as if it was
        done, and what a power loss would take back.
        """
        state, kept = self.layout.state, self.layout.state / "kept"
        servers = (self.layout.slots / server, kept / server)
        slots = (folder / slot for folder in servers for slot in SLOTS)
        own = (state, state / server, kept, self.layout.slots, *servers, *slots)
        self.sync_folders(*own, self.layout.launchers, self.layout.edge.maps, *self.driver.folders())

    def sync_folders(self, *folders: Path) -> None:
        """Make durable what the folders, those that are there, have in them."""
        for folder in folders:
            if folder.is_dir():
                self.effects.act("fsync", str(folder), functools.partial(sync_directory, folder))

    def eras_in_use(self, record: Record, days: float, keep: bool) -> Known:
        """Which eras clients of a server use, after a look at the edge; trouble with it is in the answer.

        :param days: for how long a use counts.
        :param keep: write down what is new.
        """
        now = self.senses.now()
        if not record.ports:
            return Known(None, "no client reaches it through the edge", days, now)
        try:
            return Known(self.ledger().look([record.server], keep)[record.server], None, days, now)
        except (FleetError, OSError) as error:
            return Known(None, str(error), days, now)

    def note_eras(self, server: str) -> None:
        """Write down which eras clients of a server use; what hinders that hinders nothing else."""
        with contextlib.suppress(FleetError, OSError):
            self.ledger().look([server])

    def ledger(self) -> Ledger:
        """Where it is kept which eras clients use."""
        return Ledger(self.effects, self.layout.state, self.edge, self.senses.now)

    def log_tail(self, server: str, slot: str) -> str:
        """What tells most of what a slot wrote last, on one line; empty when there is nothing."""
        try:
            return in_short(self.driver.log_tail(server, slot, LOOKED_AT))
        except (FleetError, OSError):
            return ""

    def with_bridge(self, definition: ServerDefinition) -> ServerDefinition:
        """The definition with the bridge that this host has for it: another one is another configuration."""
        bridge = self.layout.bridge
        return (
            replace(definition, bridge_digest=bridge.digest) if bridge and definition.bridged else definition
        )

    def bridge(self, definition: ServerDefinition, port: int | None) -> tuple[str, ...]:
        """The argv in front of a stdio server's own that serves it over HTTP; empty for any other.

        :raises FleetError: when this host has no bridge.
        """
        if not definition.bridged:
            return ()
        bridge = self.layout.bridge
        if bridge is None:
            raise FleetError(
                "serve it over HTTP", "this host has no bridge",
                "Run site with the server in mcp_servers: the role host installs one (mcp_bridge).",
                definition.name,
            )  # fmt: skip
        policy = definition.bridge
        options = {
            "--port": port,
            "--path": definition.path,
            "--sessions": policy.sessions,
            "--idle": policy.session_idle,
            # The other half is for the server's processes.
            "--grace": int(definition.update.stop_timeout / 2),
        }
        return (*bridge.argv, *(str(word) for option in options.items() for word in option), "--")

    def slot_spec(
        self, definition: ServerDefinition, deployment: Deployment, slot: str, port: int | None
    ) -> SlotSpec:
        """The process that a slot runs for a definition."""
        release = self.releases.at(Path(deployment.path))
        if release is None:
            raise FleetError(
                f"start {deployment.package} in {slot}",
                f"its release {deployment.path} is not there any more",
                "Run the update again; it installs it anew.", definition.name,
            )  # fmt: skip
        data = self.data_directory(definition.name)

        def filled(text: str) -> str:
            return text.replace("{port}", str(port)).replace("{data}", str(data))

        program = self.releases.program(release, settings_of(definition))
        argv = program.argv
        if in_unit(self.layout, definition):
            argv = contained(argv, container_name(definition.name, slot), definition.service, str(data))
        environment = {**program.environment, **definition.environment}
        return SlotSpec(
            server=definition.name,
            slot=slot,
            argv=(
                *self.bridge(definition, port),
                *(filled(word) for word in (*argv, *definition.arguments)),
            ),
            environment={
                name: filled(value)
                for name, value in environment.items()
                if name not in definition.credentials
            },
            credentials=dict(definition.credentials),
            directory=str(data) if definition.over_http else "",
            stop_timeout=definition.update.stop_timeout,
            inherit_environment=not definition.over_http,
            sandbox=definition.service,
            container=in_unit(self.layout, definition),
        )


def in_unit(layout: Layout, definition: ServerDefinition) -> bool:
    """Whether a slot of this server is a container in a unit of systemd."""
    return definition.registry_type == "oci" and layout.driver.get("name") == "systemd"


def require_driver_for(layout: Layout, definition: ServerDefinition) -> None:
    """Raise FleetError for a package that this host's way of running slots cannot run (a pure read)."""
    if not in_unit(layout, definition):
        return
    reason = _refusal(definition)
    if reason:
        came_back, cure = reason
        raise FleetError(f"run {definition.package} in a unit of systemd", came_back, cure, definition.name)


def _refusal(definition: ServerDefinition) -> tuple[str, str] | None:
    if definition.transport == "stdio":
        return (
            "images that speak stdio run on embedded hosts alone",
            "Use an image that serves streamable-http, or another package of the server.",
        )
    keys = unheld(definition.service)
    if keys:
        return f"service has {', '.join(keys)}, which nothing does for a container", "Leave it out."
    return obstacle()


def package_of(definition: ServerDefinition) -> Package:
    """The package that a definition names."""
    return Package(definition.registry_type, definition.identifier, definition.version, definition.sha256)


def settings_of(definition: ServerDefinition) -> Settings:
    """What of a definition counts for how its package is started."""
    return Settings(
        command=definition.command,
        user_config=definition.user_config,
        variables=frozenset((*definition.environment, *definition.credentials)),
    )


def port_of(record: Record, slot: str) -> int | None:
    """A slot's own port; None for a server that listens on none."""
    return record.ports[SLOTS.index(slot)] if record.ports else None


def open_host(layout: Layout, effects: Effects) -> Host:
    """Put a host together from its layout."""
    host_key = HostKey() if layout.driver.get("encrypt") else None
    files = SlotFiles(effects, layout.slots, layout.clients, host_key)
    return Host(
        effects=effects,
        layout=layout,
        journal=Journal(effects, layout.state),
        releases=Releases(
            effects,
            layout.releases,
            layout.cache,
            Tools(layout.uv, layout.python, layout.node, layout.npm, shutil.which("podman")),
        ),
        files=files,
        kept=SlotFiles(effects, layout.state / "kept", layout.clients, host_key),
        driver=_driver(layout, effects, files),
        launchers=Launchers(effects, layout.launchers, files, layout.launcher),
        edge=Edge(effects, layout.edge.maps, Runtime(effects, layout.edge.socket), _master(layout, effects)),
        trail=trail_of(layout, effects),
    )


def trail_of(layout: Layout, effects: Effects) -> Trail:
    """The host's audit."""
    return Trail(effects, layout.state / "audit", Limits(layout.audit.file_bytes, layout.audit.files))


def _master(layout: Layout, effects: Effects) -> Runtime:
    return Runtime(effects, layout.edge.master)


def _driver(layout: Layout, effects: Effects, files: SlotFiles) -> SlotDriver:
    drivers: dict[str, Callable[[], SlotDriver]] = {
        "supervisord": lambda: SupervisordDriver(
            effects,
            files,
            Path(layout.driver["socket"]),
            Path(layout.driver["programs"]),
            layout.launcher,
            layout.logs,
        ),
        "systemd": lambda: SystemdDriver(
            effects, files, Path(layout.driver["units"]), layout.launcher, bool(layout.driver.get("encrypt"))
        ),
    }
    name = layout.driver.get("name", "")
    if name not in drivers:
        raise FleetError(
            "open this host", f"its process driver is {name!r}", f"Known drivers: {', '.join(drivers)}."
        )
    return drivers[name]()
