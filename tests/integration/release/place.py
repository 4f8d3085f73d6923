# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests install releases, and with what."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.releases import Releases

T = TypeVar("T")

SHARED_CACHE = Path(os.environ.get("MCPOPS_TEST_CACHE", "~/.cache/mcpops-tests")).expanduser()
"""Archives of the public registries, kept between runs."""

TIME = Package("pypi", "mcp-server-time", "2026.8.18")
FILES = Package("npm", "@modelcontextprotocol/server-filesystem", "2026.7.10")
MEMORY = Package("npm", "@modelcontextprotocol/server-memory", "2026.8.31")


class CountedEffects(Effects):
    """The real host; ``acts`` counts what was done to it."""

    def __init__(self) -> None:
        self.acts: Counter[str] = Counter()

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        self.acts[name] += 1
        return super().act(name, target, function)


def tools() -> Tools:
    """This machine's tools; a missing one makes the test that needs it fail with the reason."""
    beside = Path(sys.executable).parent / "uv"
    npm = shutil.which("npm")
    return Tools(
        uv=str(beside) if beside.exists() else shutil.which("uv"),
        python=sys.executable,
        node=shutil.which("node"),
        npm=(npm,) if npm else (),
    )


def releases(root: Path, cache: Path, effects: Effects | None = None) -> Releases:
    """The releases below ``root``."""
    return Releases(effects or Effects(), root, cache, tools())


def tree_of(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below ``root`` but lock files, with its inode and time of change."""
    found = {}
    for folder, _names, files in os.walk(root):
        for name in files:
            status = os.lstat(os.path.join(folder, name))
            if not name.endswith(".lock"):
                found[os.path.join(folder, name)] = (status.st_ino, status.st_mtime_ns)
    return found


def processes_in(root: Path) -> list[int]:
    """Ids of processes with a thread that works below ``root``; the first thread may end before others."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _works_in(entry, root):
            found.append(int(entry.name))
    return found


def _works_in(process: Path, root: Path) -> bool:
    places = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(process / "task"):
            with contextlib.suppress(OSError):
                places.append(os.readlink(process / "task" / thread / "cwd"))
    return any(place.startswith(str(root)) for place in places)


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def answer(argv: tuple[str, ...], work: Path) -> str:
    """What a stdio server answers to initialize; it ends when its standard input does."""
    done = subprocess.run(
        argv,
        input=json.dumps(INITIALIZE) + "\n",
        env={"PATH": "/nowhere", "MEMORY_FILE_PATH": str(work / "memory.json")},
        cwd=work,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def import_path() -> str:
    """PYTHONPATH for a process that imports what this one can."""
    return os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
