# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: a bridge, a network namespace and a cable for each host, a way out for packages."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from .command import LabError, run, works

_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_MARK = "mcpops lab"
_CANDIDATES = ("10.86.0.0/16", "172.30.0.0/16", "192.168.0.0/16")


@dataclass(frozen=True)
class Network:
    """Names and addresses; ``subnet`` is a /24. The machine itself is the first address in it."""

    prefix: str
    subnet: str

    @property
    def bridge(self) -> str:
        """The interface of the machine's own in the lab's network."""
        return f"{self.prefix}-br"

    def address(self, octet: int) -> str:
        """The address that ends so."""
        return str(ipaddress.ip_network(self.subnet)[octet])

    def namespace(self, host: str) -> str:
        """The name under which `ip netns` knows the host."""
        return f"{self.prefix}-{host}"

    def make(self, forwarding: str) -> None:
        """The bridge and the way out, unless they are there."""
        if not exists(self.bridge):
            run("ip", "link", "add", self.bridge, "type", "bridge", "forward_delay", "0")
        run("ip", "link", "set", self.bridge, "alias", f"{_MARK} {forwarding}", "up")
        address = f"{self.address(1)}/24"
        if address not in run("ip", "-4", "addr", "show", "dev", self.bridge):
            run("ip", "addr", "add", address, "dev", self.bridge)
        run("nft", "-f", "-", given=self._rules())
        _FORWARD.write_text("1", "ascii")

    def remove(self, forwarding: str) -> None:
        """Take all of it away; what is gone already is no error."""
        if works("nft", "list", "table", "ip", self.prefix):
            run("nft", "delete", "table", "ip", self.prefix)
        if exists(self.bridge):
            run("ip", "link", "delete", self.bridge)
        if forwarding and not _marks():
            _FORWARD.write_text(forwarding, "ascii")

    def connect(self, host: str, octet: int) -> None:
        """The host's namespace and its cable to the bridge, unless they are there."""
        namespace, cable = self.namespace(host), self._cable(octet)
        if not Path("/run/netns", namespace).exists():
            run("ip", "netns", "add", namespace)
        if not exists(cable):
            peer = ["peer", "name", "eth0", "netns", namespace]
            run("ip", "link", "add", cable, "type", "veth", *peer)
            run("ip", "-n", namespace, "addr", "add", f"{self.address(octet)}/24", "dev", "eth0")
        run("ip", "link", "set", cable, "master", self.bridge, "up")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        self.mend(host)

    def cut(self, host: str) -> None:
        """Nothing gets to the host or from it."""
        run("ip", "-n", self.namespace(host), "link", "set", "eth0", "down")

    def isolate(self, host: str) -> None:
        """The host reaches the lab's network and nothing beyond."""
        run("ip", "-n", self.namespace(host), "route", "replace", "unreachable", "default")

    def mend(self, host: str) -> None:
        """The host is reached again."""
        namespace = self.namespace(host)
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", namespace, "route", "replace", "default", "via", self.address(1))

    def is_cut(self, host: str) -> bool:
        """Whether the host's interface is down."""
        shown = run("ip", "-j", "-n", self.namespace(host), "link", "show", "dev", "eth0")
        return "UP" not in json.loads(shown)[0]["flags"]

    def processes(self, host: str) -> list[int]:
        """Ids of the processes that have the host's network: those of the host."""
        namespace = self.namespace(host)
        if not Path("/run/netns", namespace).exists():
            return []
        return [int(pid) for pid in run("ip", "netns", "pids", namespace).split()]

    def disconnect(self, host: str, octet: int) -> None:
        """Take the host's namespace and cable away; what is gone already is no error."""
        if exists(self._cable(octet)):
            run("ip", "link", "delete", self._cable(octet))
        if Path("/run/netns", self.namespace(host)).exists():
            run("ip", "netns", "delete", self.namespace(host))

    def _cable(self, octet: int) -> str:
        return f"{self.prefix}-{octet}"

    def _rules(self) -> str:
        table = f"ip {self.prefix}"
        return (
            f"add table {table}\n"
            f"delete table {table}\n"
            f"add table {table}\n"
            f"add chain {table} out {{ type nat hook postrouting priority srcnat; }}\n"
            f"add rule {table} out ip saddr {self.subnet} ip daddr != {self.subnet} masquerade\n"
        )


def exists(interface: str) -> bool:
    """Whether the machine has an interface of that name."""
    return Path("/sys/class/net", interface).exists()


def forwarding() -> str:
    """What net.ipv4.ip_forward was before any lab of this machine changed it."""
    return next(iter(_marks()), _FORWARD.read_text("ascii").strip())


def free_subnet() -> str:
    """A private /24 that no address, route or nameserver of this machine is in."""
    taken = [
        ipaddress.ip_network(f"{entry['local']}/{entry['prefixlen']}", strict=False)
        for interface in json.loads(run("ip", "-j", "-4", "addr"))
        for entry in interface["addr_info"]
    ]
    for route in json.loads(run("ip", "-j", "-4", "route", "show", "table", "all")):
        if route["dst"] != "default":
            taken.append(ipaddress.ip_network(route["dst"], strict=False))
        if "gateway" in route:
            taken.append(ipaddress.ip_network(route["gateway"]))
    for line in Path("/etc/resolv.conf").read_text("utf-8").splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and ":" not in words[1]:
            taken.append(ipaddress.ip_network(words[1]))
    for candidate in _CANDIDATES:
        for subnet in ipaddress.ip_network(candidate).subnets(new_prefix=24):
            if not any(subnet.overlaps(other) for other in taken):
                return str(subnet)
    raise LabError(
        f"no /24 of {', '.join(_CANDIDATES)} is free on this machine; see `ip route show table all`"
    )


def namespaces_mounted() -> bool:
    """Whether /run/netns is a mount: `ip netns` makes it one with the first namespace, and leaves it so."""
    # Not os.path.ismount: it is a mount of itself.
    return any(
        line.split()[1] == "/run/netns" for line in Path("/proc/mounts").read_text("utf-8").splitlines()
    )


def forget_namespaces() -> None:
    """Unmount and remove /run/netns if nothing is in it."""
    folder = Path("/run/netns")
    while folder.is_dir() and not any(folder.iterdir()):
        if not namespaces_mounted():
            folder.rmdir()
            return
        run("umount", str(folder))


def _marks() -> list[str]:
    """What each lab's bridge on this machine says of ip_forward."""
    links = json.loads(run("ip", "-j", "link", "show", "type", "bridge"))
    aliases = [link.get("ifalias", "") for link in links]
    return [alias.removeprefix(_MARK).strip() for alias in aliases if alias.startswith(_MARK)]
