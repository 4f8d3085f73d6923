# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host: its files as an overlay on the base, its network namespace, and systemd in them."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from . import cgroups, process
from .base import USER
from .command import LabError, failure, run, works
from .network import Network
from .settings import Settings

CACHE = "/var/cache/mcp"
# systemd-nspawn hands out the older kind of control groups read-only, and systemd then sets no limits.
_INIT = """
for folder in memory pids cpu cpuacct blkio; do
    [ ! -d "/sys/fs/cgroup/$folder" ] || mount -o remount,bind,rw "/sys/fs/cgroup/$folder"
done
exec /lib/systemd/systemd
"""


@dataclass(frozen=True)
class Host:
    """``folder`` is the host's own below the lab's; its files survive a power loss there."""

    name: str
    octet: int
    folder: Path
    cgroups: tuple[str, ...]
    network: Network

    @property
    def address(self) -> str:
        """Where SSH answers."""
        return self.network.address(self.octet)

    @property
    def record(self) -> Path:
        """The file with the process that is the host."""
        return self.folder / "process"

    @property
    def public_key(self) -> str:
        """The host's SSH key, as known_hosts wants it."""
        return (self.folder / "ssh_host_key.pub").read_text("ascii").strip()

    def runs(self) -> bool:
        """Whether it is switched on."""
        return process.alive(self.record)

    def boot(self, base: Path, settings: Settings, authorized: str, cache: Path) -> None:
        """Switch it on; the first time it gets its files, its keys and its cable."""
        root = self.folder / "root"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._mount(base, root)
        self.network.connect(self.name, self.octet)
        if not (self.folder / "complete").exists():
            self._furnish(root, settings, authorized)
            (self.folder / "complete").touch()
        machine = self.network.namespace(self.name)
        nspawn = ["systemd-nspawn", "--quiet", f"--directory={root}", f"--machine={machine}"]
        nspawn += [f"--hostname={self.name}", f"--network-namespace-path=/run/netns/{machine}"]
        nspawn += ["--register=no", "--console=read-only", "--settings=no", "--link-journal=no"]
        nspawn += ["--resolv-conf=off", "--timezone=off", f"--bind={cache}:{CACHE}"]
        nspawn += [f"--bind-ro={folder}" for folder in settings.folders]
        nspawn += ["--keep-unit", "/bin/sh", "-c", _INIT] if self.cgroups else ["--boot"]
        cgroups.make(list(self.cgroups))
        process.start(nspawn, record=self.record, cgroups=self.cgroups, output=self.folder / "console.log")

    def kill(self) -> None:
        """End it as a power loss does: nothing in it gets to know."""
        process.end(self.record)
        until = time.monotonic() + 60
        while pids := self.network.processes(self.name):
            if time.monotonic() > until:
                raise LabError(f"{self.name} is switched off, but its processes {pids} do not end")
            for pid in pids:
                process.kill(pid)
            time.sleep(0.02)
        root = self.folder / "root"
        if root.is_dir():
            # What systemd-nspawn would have removed itself, had it been asked to end.
            lock = f"inode-{root.stat().st_dev}:{root.stat().st_ino}"
            Path("/run/systemd/nspawn/locks", lock).unlink(missing_ok=True)
        for folder in ("propagate", "unix-export"):
            shutil.rmtree(
                f"/run/systemd/nspawn/{folder}/{self.network.namespace(self.name)}", ignore_errors=True
            )

    def remove(self) -> None:
        """Switch it off and take all of it away; what is gone already is no error."""
        self.kill()
        self.network.disconnect(self.name, self.octet)
        root = self.folder / "root"
        while os.path.ismount(root):
            # The kernel lets go of a host's mounts a moment after its last process.
            if not works("umount", str(root)):
                time.sleep(0.05)
                if failure(["umount", str(root)]):
                    run("umount", "--lazy", str(root))
        if self.folder.exists():
            shutil.rmtree(self.folder)
        cgroups.remove(list(self.cgroups))

    def _mount(self, base: Path, root: Path) -> None:
        if os.path.ismount(root):
            return
        upper, work = self.folder / "upper", self.folder / "work"
        for folder in (root, upper, work):
            folder.mkdir(exist_ok=True)
        options = f"lowerdir={base},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", f"mcpops-{self.name}", "-o", options, str(root))

    def _furnish(self, root: Path, settings: Settings, authorized: str) -> None:
        key = self.folder / "ssh_host_key"
        if not key.with_suffix(".pub").exists():
            key.unlink(missing_ok=True)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(key))
        files = {
            **settings.files,
            # Without it the host would take this for its first boot, and enable all that is installed.
            "etc/machine-id": f"{uuid.uuid4().hex}\n".encode(),
            "etc/hostname": f"{self.name}\n".encode(),
            "etc/hosts": f"127.0.0.1 localhost\n{self.address} {self.name}\n".encode(),
            "etc/ssh/ssh_host_ed25519_key": key.read_bytes(),
            "etc/ssh/ssh_host_ed25519_key.pub": key.with_suffix(".pub").read_bytes(),
            f"home/{USER}/.ssh/authorized_keys": authorized.encode(),
        }
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)
        (root / "etc/ssh/ssh_host_ed25519_key").chmod(0o600)
        home = (root / f"home/{USER}").stat()
        for path in (root / f"home/{USER}/.ssh", root / f"home/{USER}/.ssh/authorized_keys"):
            os.chown(path, home.st_uid, home.st_gid)
            path.chmod(0o700 if path.is_dir() else 0o600)
