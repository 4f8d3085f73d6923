# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the test server, built by podman from a local folder into a store of the test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from .content import make_folder


class Containers:
    """A store of images in ``folder``; ``environment`` lets podman use it, with what most machines allow."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        runtime = "runc" if shutil.which("runc") else "crun"
        (folder / "containers.conf").write_text(
            f'[engine]\nruntime = "{runtime}"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
            '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1000:1000"]\n'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'
        )
        self.folder = folder
        self.environment = {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What an operator types."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            ["podman", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def build(self, name: str, root: Path, entry: list[str]) -> str:
        """Make an image of a folder; returns its digest."""
        words = ", ".join(f'"{word}"' for word in entry)
        (root / "Containerfile").write_text(f"FROM scratch\nCOPY . /\nENTRYPOINT [{words}]\n")
        done = self.podman("build", "--quiet", "--tag", name, str(root))
        assert done.returncode == 0, done.stderr
        return self.podman("image", "inspect", "--format", "{{.Digest}}", name).stdout.strip()

    def build_server(self, version: str) -> str:
        """The image localhost/box of the test server, on the Python of this test; returns its digest."""
        root = self.folder / f"root-{version}"
        app = make_folder(root / "app", version)
        executable = os.path.realpath(sys.executable)
        for path in _imported(executable, app):
            with_libraries(root, path) if path.endswith(".so") else _copied(root, path)
        with_libraries(root, executable)
        digest = self.build(f"localhost/box:{version}", root, [executable, "/app/server.py"])
        shutil.rmtree(root)
        return digest


def _imported(executable: str, app: Path) -> list[str]:
    """The files that Python reads to run the test server; of its standard library, not more."""
    ask = "import fleet_test_server, encodings.idna, encodings.ascii, sys, os; print(os.__file__, *("
    ask += "file for m in list(sys.modules.values()) if (file := getattr(m, '__file__', None))), sep='\\n')"
    done = subprocess.run([executable, "-c", ask], cwd=app, capture_output=True, text=True, check=True)
    standard = f"{sysconfig.get_path('stdlib')}/"
    return sorted({path for path in done.stdout.split() if path.startswith(standard)})


def _copied(root: Path, path: str) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def with_libraries(root: Path, program: str) -> None:
    """Copy a program and the libraries that it is linked with."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for path in [program, *re.findall(r"(/\S+) \(0x", listed)]:
        _copied(root, path)


def obstacle() -> str | None:
    """What keeps containers from running on this machine, in a line; None when nothing does."""
    if shutil.which("podman") is None:
        return "podman is not installed (apt-get install podman runc)"
    true = shutil.which("true") or "/bin/true"
    with tempfile.TemporaryDirectory() as folder:
        containers, root = Containers(Path(folder) / "store"), Path(folder) / "root"
        with_libraries(root, os.path.realpath(true))
        try:
            containers.build("localhost/try:1", root, [os.path.realpath(true)])
            done = containers.podman("run", "--rm", "--network=host", "--read-only", "localhost/try:1")
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"podman builds no image here: {' '.join(str(error).split())[:200]}"
        return None if done.returncode == 0 else f"podman runs no container here: {done.stderr.strip()[:200]}"
