# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node to try slots on: a real supervisord in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.driver import SlotDriver
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.files import SlotFiles
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import (
    Identity,
    alive,
    identities,
    launched,
    tree,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.program import ini_value
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.spec import SLOTS, SlotSpec
from ansible_collections.mcpops.fleet.plugins.module_utils.slot.supervisord import SupervisordDriver
from tests.support.waiting import wait_for

T = TypeVar("T")

HERE = Path(__file__).parent
MCP_LAUNCH = HERE.parents[2] / "roles/host/files/mcp-launch"
LAUNCHER = (sys.executable, "-I", "-S", str(MCP_LAUNCH))
SERVE = (sys.executable, "-I", "-S", str(HERE / "serve.py"))

CONFIGURATION = """\
[unix_http_server]
file = {socket}
chmod = 0700
[supervisord]
logfile = {log}
pidfile = {pidfile}
nodaemon = true
nocleanup = true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = programs/*.conf
"""


class Cut(Exception):
    """Stands for the end of the module by SIGKILL just before an effect."""


class RecordingEffects(Effects):
    """Real effects, with their names kept; ``cut`` ends the work before the effect of that number."""

    def __init__(self, cut: int | None = None) -> None:
        self.acts: list[str] = []
        self._cut = cut

    def act(self, name: str, target: str, function: Callable[[], T]) -> T:
        """Record, then do."""
        if len(self.acts) == self._cut:
            raise Cut(name)
        self.acts.append(f"{name} {target}")
        return super().act(name, target, function)


class Node:
    """One host's folder with supervisord, and a driver for its slots."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.effects = RecordingEffects()
        self.socket = root / "supervisor.sock"
        self.programs = root / "programs"
        self.logs = root / "logs"
        self.files = SlotFiles(self.effects, root / "slots")
        self.driver: SlotDriver = self.driver_with(self.effects)
        for folder in (root, self.programs, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        places = {"socket": self.socket, "log": root / "supervisord.log", "pidfile": root / "supervisord.pid"}
        text = CONFIGURATION.format(**{name: ini_value(str(path)) for name, path in places.items()})
        (root / "supervisord.conf").write_text(text)
        self._supervisord: subprocess.Popen[bytes] | None = None

    def driver_with(self, effects: Effects, launcher: tuple[str, ...] = LAUNCHER) -> SupervisordDriver:
        """A driver on this node over other effects."""
        files = SlotFiles(effects, self.root / "slots")
        return SupervisordDriver(effects, files, self.socket, self.programs, launcher, self.logs)

    def start(self) -> None:
        """Start supervisord and wait until it answers."""
        self._supervisord = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.root / "supervisord.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda: _connects(self.socket), "supervisord listens")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End supervisord and wait for it."""
        if self._supervisord:
            self._supervisord.send_signal(number)
            try:
                self._supervisord.wait(15)
            finally:
                self._supervisord.kill()
                self._supervisord.wait()
            self._supervisord = None

    def clean(self) -> None:
        """End all that was started here, whatever became of the test."""
        left = self._everyone()
        self.end(signal.SIGKILL)
        for process in left | self._everyone():
            if alive(process):
                os.kill(process.pid, signal.SIGKILL)

    def launched(self) -> list[Identity]:
        """The first processes of all that runs in slots here."""
        return [each.identity for each in launched(self.root / "slots")]

    def _everyone(self) -> set[Identity]:
        return {member for first in self.launched() for member in identities(tree(first.pid))}

    def spec(self, port: int, *behaviour: str, slot: str = "blue", **more: Any) -> SlotSpec:
        """A slot that runs serve.py on the port."""
        values = {"server": "time", "environment": {}, "credentials": {}, "stop_timeout": 5.0, **more}
        values.setdefault("directory", str(self.root))
        return SlotSpec(slot=slot, argv=(*SERVE, str(port), *behaviour), **values)

    def started(self, spec: SlotSpec) -> dict[str, Any]:
        """Start a slot, wait until it answers, and give its answer."""
        self.driver.start(spec)
        return answer(int(spec.argv[len(SERVE)]))


@contextlib.contextmanager
def running(root: Path) -> Iterator[Node]:
    """A node whose supervisord runs, until the end of the block."""
    node = Node(root)
    try:
        node.start()
        yield node
    finally:
        node.clean()


def ask(port: int) -> dict[str, Any] | None:
    """What the server on the port says of itself, or None when there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            facts: dict[str, Any] = json.loads(response.read())
            return facts
    except OSError:
        return None


def answer(port: int) -> dict[str, Any]:
    """The same, waiting for a server that is just starting."""
    found = wait_for(lambda: ask(port), f"a server answers on {port}")
    assert found is not None
    return found


def gone(pids: set[int]) -> bool:
    """Whether none of these runs any more."""
    return not identities(pids)


def both_slots(node: Node) -> list[str]:
    """The states of the two slots of the server ``time``."""
    return [node.driver.status("time", slot).state for slot in SLOTS]


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0
