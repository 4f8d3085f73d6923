# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that every host's files start from: a small Debian with systemd and sshd, made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .command import LabError, run

SUITE = "bookworm"
PACKAGES = """
systemd systemd-sysv dbus libpam-systemd openssh-server sudo procps iproute2 ca-certificates
python3 python3-venv haproxy
""".split()
USER = "ops"

# The collection brings a service of its own for HAProxy. The rest is of no use here, or waits for a terminal.
_DISABLED = ["haproxy.service"]
_MASKED = """
console-getty.service getty.target systemd-logind-varlink.socket apt-daily.timer apt-daily-upgrade.timer
dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
""".split()
_FILES = {
    "etc/ssh/sshd_config.d/lab.conf": (
        f"AllowUsers {USER}\nAuthenticationMethods publickey\nPermitRootLogin no\nPasswordAuthentication no\n"
        "HostKey /etc/ssh/ssh_host_ed25519_key\nX11Forwarding no\nAllowAgentForwarding no\nUseDNS no\n"
        # Ten forks and more connect at once.
        "MaxStartups 100\nMaxSessions 100\n"
    ),
    # Settings of registries in /etc/environment hold for root as well. Its umask is a hardened host's.
    f"etc/sudoers.d/{USER}": (
        f"{USER} ALL=(ALL) NOPASSWD: ALL\n"
        'Defaults env_keep += "PIP_* UV_* npm_config_* *_proxy *_PROXY SSL_CERT_* '
        '*_CA_BUNDLE NODE_EXTRA_CA_CERTS"\n'
        "Defaults umask=0077, umask_override\n"
    ),
    "etc/default/locale": "LANG=C.UTF-8\n",
}
# What stands in the folder is known by what it was made from.
_DIGEST = hashlib.sha256(repr((SUITE, PACKAGES, _DISABLED, _MASKED, _FILES)).encode()).hexdigest()[:12]


def provide(folder: Path, say: Callable[[str], None]) -> Path:
    """The base below ``folder``; made, in about a minute, when it is not there."""
    base = folder / _DIGEST
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if base.is_dir():
            return base
        for older in folder.iterdir():
            if older.is_dir():
                _forget(older)
        say("making the base folder with debootstrap (once)")
        unfinished = folder / f"{_DIGEST}.unfinished"
        _make(unfinished)
        unfinished.rename(base)
    return base


def _forget(folder: Path) -> None:
    """Remove an older or unfinished base, unless a host stands on it."""
    mounts = [line.split()[:4] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    if any(f"lowerdir={folder}," in options for _source, _point, _kind, options in mounts):
        return
    for _source, point, _kind, _options in reversed(mounts):
        # debootstrap mounts /proc in there, and leaves it so when it is killed.
        if Path(point).is_relative_to(folder):
            run("umount", point)
    shutil.rmtree(folder)


def _make(base: Path) -> None:
    proxy = run("apt-config", "shell", "proxy", "Acquire::http::Proxy").partition("=")[2].strip().strip("'")
    extra = {"http_proxy": proxy} if proxy and "http_proxy" not in os.environ else {}
    include = f"--include={','.join(PACKAGES)}"
    log = base / "debootstrap/debootstrap.log"
    try:
        mirror = _mirror()
        run("debootstrap", "--variant=minbase", include, SUITE, str(base), *mirror, extra=extra, timeout=1800)
    except LabError as error:
        raise LabError(f"{error}; see {log}, and check that apt-get update works here") from error
    systemctl = ["systemctl", f"--root={base}", "--quiet"]
    run(*systemctl, "disable", *_DISABLED)
    run(*systemctl, "mask", *_MASKED)
    run("chroot", str(base), "useradd", "--create-home", "--shell", "/bin/bash", USER)
    for name, text in _FILES.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text, "utf-8")
    (base / f"etc/sudoers.d/{USER}").chmod(0o440)
    # Each host gets its own.
    for key in (base / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (base / "etc/machine-id").write_text("", "ascii")
    shutil.rmtree(base / "var/cache/apt/archives")
    (base / "var/cache/apt/archives/partial").mkdir(parents=True)


def _mirror() -> list[str]:
    """Where this machine's own apt gets Debian from; nothing if it does not: then debootstrap knows."""
    fields = [f"Codename: {SUITE}", "Origin: Debian", "Component: main"]
    return run("apt-get", "indextargets", "--format", "$(REPO_URI)", *fields).split()[:1]
