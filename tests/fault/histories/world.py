# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One made-up host: all of its parts, and what may befall it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.maps import NAMES
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.host.layout import EdgeLayout, Layout
from ansible_collections.mcpops.fleet.plugins.module_utils.journal.journal import Journal
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.launcher import Launchers
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import Host, trail_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.senses import Senses

from .clock import Clock
from .disk import Disk
from .haproxy import HAProxy, SimulatedRuntime
from .network import EDGE_PORT, REQUESTS, Network
from .packages import SimulatedReleases
from .supervisor import SimulatedDriver, Supervisor

SESSION_IDLE = 40.0
BOOT = 3.0
RAM_DISK = Path("/dev/shm")


def layout(root: Path) -> Layout:
    """Where things stand below ``root``."""
    return Layout(
        releases=root / "releases",
        cache=root / "cache",
        state=root / "state",
        slots=root / "slots",
        logs=root / "logs",
        data=root / "data",
        launchers=root / "bin",
        launcher=("/launch",),
        clients=None,
        unprivileged=(),
        uv="",
        python="",
        node=None,
        npm=(),
        driver={},
        ports=(21001, 21040),
        edge=EdgeLayout(root, root, root / "edge", "127.0.0.1", EDGE_PORT, SESSION_IDLE),
    )


class World:
    """A host that is up, with an edge that knows no server."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="history-", dir=RAM_DISK if RAM_DISK.is_dir() else None))
        self.layout = layout(self.root)
        for folder in ("edge", "etc", "state", "slots", "releases", "data", "bin"):
            (self.root / folder).mkdir()
        for name in NAMES:
            (self.root / "edge" / f"{name}.map").touch()
        self.clock = Clock()
        self.disk = Disk(self.root)
        self.files = SlotFiles(Effects(), self.layout.slots)
        self.haproxy = HAProxy(self.clock, self.layout.edge.maps, SESSION_IDLE)
        self.supervisor = Supervisor(self.clock, self.root / "etc", self.files)
        self.network = Network(self.clock, self.haproxy, self.supervisor, self.layout.launchers, self.files)
        self.haproxy.start()
        self.supervisor.start()

    def close(self) -> None:
        """Remove what is left on the disk."""
        shutil.rmtree(self.root)

    def host(self, effects: Effects, sleep: Callable[[float], None]) -> Host:
        """The host as a run sees it; ``sleep`` is how that waits."""
        files, network = SlotFiles(effects, self.layout.slots), self.network
        return Host(
            effects=effects,
            layout=self.layout,
            journal=Journal(effects, self.layout.state),
            releases=SimulatedReleases(effects, self.layout.releases, self.clock),
            files=files,
            kept=SlotFiles(effects, self.layout.state / "kept"),
            driver=SimulatedDriver(effects, files, self.supervisor),
            launchers=Launchers(effects, self.layout.launchers, files, self.layout.launcher),
            edge=Edge(effects, self.layout.edge.maps, SimulatedRuntime(effects, self.haproxy)),
            trail=trail_of(self.layout, effects),
            senses=Senses(
                monotonic=lambda: self.clock.time,
                sleep=sleep,
                now=self.clock.now,
                probe=network.probe,
                ping=network.ping,
                listeners=network.listeners,
                owns_port=network.owns_port,
                ports_of=network.ports_of,
                launched=network.launched,
            ),
        )

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in which clients go on asking."""
        self.clock.advance(seconds)
        for path in list(self.haproxy.maps["routes"]):
            for _request in range(REQUESTS):
                self.network.request(path)

    def reboot(self) -> None:
        """All processes are gone; what is enabled comes back."""
        self.supervisor.down()
        self.haproxy.up = False
        self.network.programs.clear()
        self.clock.reboot()
        self.clock.after(BOOT, self.haproxy.start)
        self.clock.after(BOOT, self.supervisor.start)

    def lose_power(self, kept: Callable[[], bool]) -> None:
        """As a reboot, and what was not synced is lost but for what ``kept`` says."""
        self.disk.lose_power(kept)
        self.reboot()
