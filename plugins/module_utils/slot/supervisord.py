# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots as programs of a supervisord, one file each in the folder that its configuration includes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError
from . import rpc
from .driver import Process, State, StopReport
from .ending import STEP, end_all
from .files import SlotFiles
from .log import tail
from .process import Identity, alive, group, identities, marked, tree
from .program import program_text
from .spec import SlotSpec

_STATES: Mapping[str, State] = {
    "STOPPED": "stopped",
    "STARTING": "starting",
    "RUNNING": "running",
    "BACKOFF": "starting",
    "STOPPING": "running",
    "EXITED": "starting",
    "FATAL": "failed",
    "UNKNOWN": "failed",
}
_UP = ("STARTING", "RUNNING", "BACKOFF")
_ENDED = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")
_STOP_TIMEOUT = 10.0
_NOTICES = 10.0
_BY_SIGNAL = -1
_TURNED_OVER, _BEFORE = ".1", ".before"
_OPTION = "--die-with-supervisor"
"""For mcp-launch: a killed supervisord leaves nothing that would hold the port against its next copy."""


class SupervisordDriver:
    """A ``SlotDriver`` (see there) over a running supervisord.

    The order of effects keeps three things true wherever it is cut off: what runs was started from what
    the slot's files say (they change only while nothing runs); what was stopped does not come back with a
    restarted supervisord (its program file goes first); and no program but the slot's own is touched
    (groups are added and removed by name; reading the configuration again starts and stops nothing).

    :param programs: the folder whose ``*.conf`` supervisord includes.
    :param launcher: the argv to which the path of a launch.json is added.
    :param logs: the folder for the servers' logs.
    """

    def __init__(
        self,
        effects: Effects,
        files: SlotFiles,
        socket: Path,
        programs: Path,
        launcher: tuple[str, ...],
        logs: Path,
    ) -> None:
        self._effects = effects
        self._files = files
        self._supervisor = rpc.Supervisor(socket)
        self._programs = programs
        self._launcher = launcher
        self._logs = logs

    def holds(self, spec: SlotSpec) -> bool:
        """Whether the slot's files say exactly this (a pure read)."""
        return self._files.matches(spec)

    def runs(self, spec: SlotSpec) -> bool:
        """Whether the slot's process is up and was started from exactly this description (a pure read)."""
        info = self._info(spec.server, spec.slot)
        up = info is not None and info["statename"] in _UP
        return up and self.holds(spec)

    def returns(self, spec: SlotSpec) -> bool:
        """Whether supervisord's next copy starts exactly this in the slot (a pure read)."""
        path = self._program(spec.server, spec.slot)
        return path.exists() and path.read_bytes() == self._text(spec)

    def start(self, spec: SlotSpec) -> Process:
        """Run exactly this in the slot; see ``SlotDriver.start``.

        :raises FleetError: when supervisord cannot be reached or refuses.
        """
        server, slot = spec.server, spec.slot
        if self.runs(spec):
            # A program file that an interrupted stop or a hand removed comes back; the process is left alone.
            self._describe(spec)
            return self.status(server, slot)
        before = self._files.read(server, slot)
        self.stop(server, slot, before.stop_timeout if before else spec.stop_timeout)
        self._files.write(spec)
        self._effects.make_directory(Path(spec.directory), 0o700)
        self._set_old_log_aside(server, slot)
        self._describe(spec)
        self._act("slot.add", server, slot, lambda: self._add(server, slot))
        self._act("slot.start", server, slot, lambda: self._spawn(server, slot))
        return self.status(server, slot)

    def stop(self, server: str, slot: str, timeout: float) -> StopReport:
        """End every process of the slot; see ``SlotDriver.stop``.

        :raises FleetError: when supervisord cannot be reached, or something does not end by SIGKILL either.
        """
        began = time.monotonic()
        spec = self._files.read(server, slot)
        deadline = began + (min(timeout, spec.stop_timeout) if spec else timeout)
        ran, asked, signalled, killed, status = set[Identity](), set[Identity](), 0, False, 0

        def left() -> set[Identity]:
            return {process for process in ran if alive(process)} | marked(self._files.root, server, slot)

        # supervisord may start the program anew between two calls, so each is repeated until it is gone.
        info = self._info(server, slot)
        self._effects.remove_file(self._program(server, slot))
        while True:
            if info and info["pid"]:
                ran |= identities(tree(info["pid"]))
                asked |= identities(group(info["pid"]))
            if info and info["statename"] in _UP:
                self._request(server, slot, "slot.stop", rpc.NOT_RUNNING, "stopProcess", False)
            else:
                remaining = max(0.0, deadline - time.monotonic())
                ended = end_all(self._effects, server, slot, left, remaining, asked)
                signalled, killed = signalled + ended.signalled, killed or ended.killed
                if info is None:
                    break
                self._withdraw(server, slot, info, deadline)
                status = info["exitstatus"]
            info = self._info(server, slot)
        seconds = time.monotonic() - began
        if not ran and not signalled:
            return StopReport("already stopped", seconds)
        if killed or (status == _BY_SIGNAL and began + seconds > deadline):
            return StopReport("killed", seconds, signalled)
        return StopReport("exited" if ran and status != _BY_SIGNAL else "terminated", seconds, signalled)

    def status(self, server: str, slot: str) -> Process:
        """What runs in the slot now (a pure read).

        :raises FleetError: when supervisord cannot be reached.
        """
        info = self._info(server, slot)
        if info is None:
            return Process("stopped" if self._files.read(server, slot) else "absent")
        detail = f"{info['statename']} {info['description']}".strip()
        if info["statename"] == "EXITED":
            detail = f"EXITED with status {info['exitstatus']}; {info['description']}"
        return Process(_STATES[info["statename"]], info["pid"] or None, detail)

    def additions(self, server: str, slot: str) -> tuple[str, ...]:
        """None: a program of a supervisord is one file."""
        return ()

    def folders(self) -> tuple[Path, ...]:
        """Where the program files are."""
        return (self._programs,)

    def log_tail(self, server: str, slot: str, lines: int = 20) -> str:
        """The last lines that the slot's process wrote since it was last started, credentials masked."""
        spec = self._files.read(server, slot)
        if spec is None:
            # What is there was kept of something that failed before, and nobody knows its secrets any more.
            return ""
        parts = (self._beside_log(server, slot, _TURNED_OVER), self.log(server, slot))
        return tail(parts, lines, list(spec.credentials.values()))

    def log(self, server: str, slot: str) -> Path:
        """The file into which the slot's process writes.

        Beside it: with ``.1`` at its end what was written before, with ``.before`` what the process before
        this one wrote last.
        """
        return self._logs / f"{_name(server, slot)}.log"

    def remove(self, server: str, slot: str, *, keep_log: bool = False) -> None:
        """Stop the slot and remove all that is kept for it; see ``SlotDriver.remove``."""
        spec = self._files.read(server, slot)
        self.stop(server, slot, spec.stop_timeout if spec else _STOP_TIMEOUT)
        self._files.remove(server, slot)
        for end in () if keep_log else ("", _TURNED_OVER, _BEFORE):
            self._effects.remove_file(self._beside_log(server, slot, end))

    def _act(self, name: str, server: str, slot: str, function: Callable[[], None]) -> None:
        self._effects.act(name, f"{server}/{slot}", function)

    def _program(self, server: str, slot: str) -> Path:
        return self._programs / f"{_name(server, slot)}.conf"

    def _beside_log(self, server: str, slot: str, end: str) -> Path:
        log = self.log(server, slot)
        return log.with_name(f"{log.name}{end}")

    def _info(self, server: str, slot: str) -> dict[str, Any] | None:
        """supervisord's view of the program, or None when it has none active."""
        self._files.folder(server, slot)
        try:
            info: dict[str, Any] = self._supervisor.call("getProcessInfo", _name(server, slot))
            return info
        except rpc.Fault as fault:
            if fault.code == rpc.BAD_NAME:
                return None
            raise self._refused("look at", server, slot, fault) from fault

    def _describe(self, spec: SlotSpec) -> None:
        """Write the slot's program file, where it does not say so already."""
        if self.returns(spec):
            return
        self._effects.make_directory(self._programs)
        self._effects.make_directory(self._logs, 0o700)
        self._effects.write_file(self._program(spec.server, spec.slot), self._text(spec))

    def _text(self, spec: SlotSpec) -> bytes:
        command = (*self._launcher, _OPTION, str(self._files.launch(spec.server, spec.slot)))
        name, log = _name(spec.server, spec.slot), self.log(spec.server, spec.slot)
        return program_text(name, command, spec.stop_timeout, log)

    def _add(self, server: str, slot: str) -> None:
        """Make the program known to the running supervisord.

        Where that cannot read its configuration, ours is taken back: it would not start again with it.
        """
        try:
            self._supervisor.call("reloadConfig")
            self._supervisor.call("addProcessGroup", _name(server, slot))
        except rpc.Fault as fault:
            # Added already: the call's answer was lost and it was made again.
            if fault.code == rpc.ALREADY_ADDED:
                return
            if fault.code == rpc.CANT_REREAD:
                self._effects.remove_file(self._program(server, slot))
            raise self._refused("add", server, slot, fault) from fault

    def _spawn(self, server: str, slot: str) -> None:
        """Start the added program without waiting for it; one that cannot be spawned shows in its status."""
        try:
            self._supervisor.call("startProcess", _name(server, slot), False)
        except rpc.Fault as fault:
            # Started already: supervisord did so itself when it was added.
            if fault.code not in (rpc.ALREADY_STARTED, rpc.SPAWN_ERROR):
                raise self._refused("start", server, slot, fault) from fault

    def _set_old_log_aside(self, server: str, slot: str) -> None:
        """What an earlier process wrote must not be taken for a word of the next one."""
        if self.log(server, slot).exists():
            self._effects.rename(self.log(server, slot), self._beside_log(server, slot, _BEFORE))
        self._effects.remove_file(self._beside_log(server, slot, _TURNED_OVER))

    def _withdraw(self, server: str, slot: str, info: Mapping[str, Any], deadline: float) -> None:
        """Take an ended program out of the running supervisord, or give that time to see that it ended."""
        if info["statename"] in _ENDED:
            self._request(server, slot, "slot.withdraw", rpc.STILL_RUNNING, "removeProcessGroup")
        elif time.monotonic() > deadline + _NOTICES:
            came_back = f"{_name(server, slot)} is {info['statename']} there, but its processes have ended"
            raise FleetError(f"stop slot {slot} in supervisord", came_back, "Look into its log.", server)
        else:
            time.sleep(STEP)

    def _request(self, server: str, slot: str, act: str, code: int, method: str, *more: Any) -> None:
        """A call whose fault ``code`` says that things moved on (or an unknown name): look again."""

        def call() -> None:
            try:
                self._supervisor.call(method, _name(server, slot), *more)
            except rpc.Fault as fault:
                if fault.code not in (code, rpc.BAD_NAME):
                    raise self._refused("stop", server, slot, fault) from fault

        self._act(act, server, slot, call)

    def _refused(self, verb: str, server: str, slot: str, fault: rpc.Fault) -> FleetError:
        cures = {
            rpc.CANT_REREAD: f"Correct that file in {self._programs}; until then none can be added.",
            rpc.BAD_NAME: f"See that supervisord's configuration includes {self._programs}/*.conf.",
            rpc.NO_FILE: "Run the role host: it installs the launch program.",
            rpc.NOT_EXECUTABLE: "Run the role host: it installs the launch program.",
        }
        cure = cures.get(fault.code, "Look into supervisord's log.")
        return FleetError(f"{verb} slot {slot} in supervisord", str(fault), cure, server)


def _name(server: str, slot: str) -> str:
    return f"{server}-{slot}"
