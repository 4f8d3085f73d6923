# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: bring hosts up, take them down, and make faults in between."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import base, cgroups, inventory, network, settings, state
from .base import USER
from .command import LabError, environment, run, works
from .host import Host
from .network import Network
from .state import Made, State

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = REPOSITORY / ".work" / "lab"
INVENTORY = REPOSITORY / "inventories" / "lab" / "hosts.yml"
PREFIX = "mcplab"
REQUIREMENTS = Path(__file__).with_name("requirements.sh")
# The last part of the addresses: node1 has .11, edge1 has .201.
_FIRST = {"node": 10, "edge": 200}
_MOST = {"node": 180, "edge": 50}
_BOOT = 120
"""Seconds within which a host has to be up."""


class Lab:
    """Hosts below ``root``; ``prefix`` (at most 9 characters) names what they have outside of it.

    Two labs with their own root, prefix and inventory do not know of each other; they share base folder and
    package cache.
    """

    def __init__(
        self,
        root: Path = ROOT,
        prefix: str = PREFIX,
        inventory: Path = INVENTORY,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.root = root
        self.inventory = inventory
        self.key = root / "key"
        self._prefix = prefix
        self._say = say
        self._known = root / "known_hosts"
        self._state = root / "state.json"
        self._control = Path("/run", prefix)

    @classmethod
    def of_environment(cls, say: Callable[[str], None] = lambda line: None) -> Lab:
        """The lab that this process's environment names, or the checkout's own.

        MCPOPS_LAB_PREFIX lets two checkouts of one machine have labs at once, MCPOPS_LAB_ROOT one checkout.
        """
        prefix = os.environ.get("MCPOPS_LAB_PREFIX") or PREFIX
        root = os.environ.get("MCPOPS_LAB_ROOT")
        if not root:
            return cls(prefix=prefix, say=say)
        return cls(Path(root), prefix, Path(root, "inventory", "hosts.yml"), say)

    def up(self, hosts: int, edges: int = 0) -> None:
        """Make it so: that many nodes and edges, switched on, connected and reached by SSH.

        What this call had begun is taken away again when it does not come to its end.
        """
        wanted = _wanted(hosts, edges)
        done = subprocess.run(
            [str(REQUIREMENTS)], env=environment(), check=False, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            raise LabError(done.stderr.strip())
        with self._locked():
            before = set(self._read().hosts)
            try:
                self._up(wanted)
            except BaseException:
                self._say("taking down what was begun")
                self._remove(set(self._read().hosts) - before)
                raise

    def down(self) -> None:
        """Take all hosts and their network away; what is gone already is no error."""
        if self.root.is_dir():
            with self._locked():
                self._remove(set(self._read().hosts))

    def hosts(self) -> dict[str, Host]:
        """All hosts by name."""
        now = self._read()
        return {name: self._host(name, made, now) for name, made in now.hosts.items()}

    def cut(self, name: str) -> None:
        """Nothing gets to the host or from it any more; it goes on running."""
        self._network(self._read()).cut(self._named(name).name)

    def isolate(self, name: str) -> None:
        """Nothing outside of the lab's network is reached from the host any more."""
        self._network(self._read()).isolate(self._named(name).name)

    def mend(self, name: str) -> None:
        """A host that was cut off is reached again."""
        self._network(self._read()).mend(self._named(name).name)

    def kill(self, name: str) -> None:
        """Power loss: the host is off at once. Its files stay."""
        self._named(name).kill()

    def start(self, name: str) -> None:
        """Switch a host on that was off, and wait until it is up."""
        with self._locked():
            self._boot([self._named(name)], self._read())

    def command(self, name: str) -> list[str]:
        """The ssh command to which a command line for the host is added."""
        options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", *inventory.options(self._known)]
        return ["ssh", "-i", str(self.key), *options, f"{USER}@{self._named(name).address}"]

    def run(self, name: str, command: str) -> str:
        """What a shell command prints on the host. Raises LabError unless it ends with 0."""
        return run(*self.command(name), command)

    def reached(self, name: str) -> bool:
        """Whether the host answers SSH."""
        return works(*self.command(name), "true")

    def _up(self, wanted: dict[str, int]) -> None:
        begun = time.monotonic()
        now = self._read()
        folder = base.provide(ROOT / "base", self._say)
        if now.hosts and now.base != folder.name:
            raise LabError(
                "these hosts stand on a base folder that is made otherwise now; take the lab down first"
            )
        now.base = folder.name
        leaving = set(now.hosts) - set(wanted)
        self._remove(leaving, all_gone=False)
        now = self._connect(self._read(), folder.name)
        for name, octet in wanted.items():
            if name not in now.hosts:
                paths = (
                    [] if Path("/run/systemd/system").is_dir() else cgroups.names(f"{self._prefix}-{name}")
                )
                now.hosts[name] = Made(octet, paths)
        state.write(self._state, now)
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self._prefix, "-f", str(self.key))
        hosts = [self._host(name, now.hosts[name], now) for name in wanted]
        off = [host for host in hosts if not host.runs()]
        for host in hosts:
            if host not in off:
                self._network(now).mend(host.name)
        self._boot(off, now)
        self._write_inventory(hosts)
        done = f"{len(off)} started, {len(leaving)} taken down" if off or leaving else "nothing to do"
        took = time.monotonic() - begun
        self._say(f"{len(hosts)} hosts are up after {took:.1f} s ({done}); inventory {self.inventory}")

    def _connect(self, now: State, digest: str) -> State:
        if not now.network:
            clash = Network(self._prefix, "").bridge
            if network.exists(clash):
                raise LabError(
                    f"the interface {clash} is there already, and not of this lab; end what made it"
                )
            now = State(network.free_subnet(), network.forwarding(), network.namespaces_mounted())
        now.base = digest
        state.write(self._state, now)
        self._network(now).make(now.forwarding)
        return now

    def _boot(self, hosts: list[Host], now: State) -> None:
        if not hosts:
            return
        said = settings.read()
        cache = ROOT / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        authorized = self.key.with_suffix(".pub").read_text("ascii")
        self._say(f"starting {', '.join(host.name for host in hosts)}")
        for host in hosts:
            host.boot(ROOT / "base" / now.base, said, authorized, cache)
        self._write_inventory(list(self.hosts().values()))
        with ThreadPoolExecutor(len(hosts)) as pool:
            for line in pool.map(self._await, hosts):
                self._say(line)

    def _await(self, host: Host) -> str:
        """Wait until SSH answers and systemd says that the host is up."""
        begun = time.monotonic()
        command = [
            *self.command(host.name),
            "systemctl is-system-running --wait; systemctl --failed --plain --no-legend",
        ]
        while time.monotonic() < begun + _BOOT:
            if not host.runs():
                break
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
            lines = done.stdout.splitlines()
            if lines and lines[0] == "running":
                return f"{host.name} {host.address} is up after {time.monotonic() - begun:.1f} s"
            if lines and lines[0] in ("degraded", "maintenance"):
                raise LabError(f"{host.name} is {lines[0]}: {' | '.join(lines[1:])}; see journalctl there")
            time.sleep(0.1)
        raise LabError(f"{host.name} is not up after {_BOOT} s; see {host.folder}/console.log")

    def _remove(self, names: set[str], *, all_gone: bool = True) -> None:
        now = self._read()
        leaving = {name: self._host(name, made, now) for name, made in now.hosts.items() if name in names}
        if leaving:
            self._say(f"taking {', '.join(leaving)} down")
        for host in leaving.values():
            host.kill()
        for name, host in leaving.items():
            host.remove()
            del now.hosts[name]
            state.write(self._state, now)
        if leaving and now.hosts:
            self._write_inventory(list(self.hosts().values()))
        if now.hosts or not all_gone or not now.network:
            return
        self._hang_up()
        self._network(now).remove(now.forwarding)
        if not now.namespaces:
            network.forget_namespaces()
        for path in (self.inventory, self._known, self._state):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.root / "hosts", ignore_errors=True)

    def _hang_up(self) -> None:
        """End the connections that ssh keeps open for Ansible."""
        for socket in self._control.glob("*") if self._control.is_dir() else ():
            works("ssh", "-S", str(socket), "-O", "exit", "lab", timeout=10)
        shutil.rmtree(self._control, ignore_errors=True)

    def _write_inventory(self, hosts: list[Host]) -> None:
        self._control.mkdir(mode=0o700, exist_ok=True)
        inventory.write(self.inventory, hosts, key=self.key, known=self._known, control=self._control)

    def _named(self, name: str) -> Host:
        hosts = self.hosts()
        if name not in hosts:
            raise LabError(
                f"there is no host {name}; the lab has: {', '.join(hosts) or 'none, bring it up first'}"
            )
        return hosts[name]

    def _host(self, name: str, made: Made, now: State) -> Host:
        return Host(name, made.octet, self.root / "hosts" / name, tuple(made.cgroups), self._network(now))

    def _network(self, now: State) -> Network:
        return Network(self._prefix, now.network)

    def _read(self) -> State:
        return state.read(self._state)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.set_inheritable(lock.fileno(), False)
            yield


def _wanted(hosts: int, edges: int) -> dict[str, int]:
    result = {}
    for kind, count in (("node", hosts), ("edge", edges)):
        if not 0 <= count <= _MOST[kind]:
            raise LabError(f"{count} {kind}s were asked for; a lab has at most {_MOST[kind]}")
        result.update({f"{kind}{number}": _FIRST[kind] + number for number in range(1, count + 1)})
    return result
