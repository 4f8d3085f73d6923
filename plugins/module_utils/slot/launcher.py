# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stdio servers: clients on the host start ``bin/NAME``, which leads to the active slot's release."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

from ..effects import Effects
from ..errors import FleetError
from .driver import StopReport
from .ending import end_all
from .files import SlotFiles
from .process import marked
from .spec import SLOTS, SlotSpec, check_names

_RUN = "run"


class Launchers:
    """The links ``bin/NAME``, each to ``run`` in one of the server's slots, turned over in one step.

    A client that is running stays with the process it has; the next start takes the new slot.

    :param launcher: the argv to which the path of a launch.json and the client's arguments are added.
    """

    def __init__(self, effects: Effects, bin: Path, files: SlotFiles, launcher: tuple[str, ...]) -> None:
        self._effects = effects
        self._bin = bin
        self._files = files
        self._launcher = launcher

    def link(self, server: str) -> Path:
        """What clients start."""
        check_names(server, SLOTS[0])
        return self._bin / server

    def script(self, server: str, slot: str) -> Path:
        """What starts the release of one slot, pointed at or not: a probe starts it before clients do."""
        return self._files.folder(server, slot) / _RUN

    def place(self, spec: SlotSpec) -> None:
        """Write all that starting this slot needs; clients still start what they did before."""
        self._files.write(spec)
        script, text = self.script(spec.server, spec.slot), self._text(spec.server, spec.slot)
        if not script.exists() or script.read_bytes() != text:
            self._effects.write_file(script, text, 0o700)
            self._files.share(script.parent, spec)

    def placed(self, spec: SlotSpec) -> bool:
        """Whether the slot would start exactly this (a pure read)."""
        script = self.script(spec.server, spec.slot)
        text = script.read_bytes() if script.exists() else b""
        return self._files.matches(spec) and text == self._text(spec.server, spec.slot)

    def point(self, server: str, slot: str) -> None:
        """Let clients that start from now on get this slot.

        :raises FleetError: when the slot has nothing to start.
        """
        script = self.script(server, slot)
        if not script.exists():
            tried = f"point {self.link(server)} to slot {slot}"
            raise FleetError(tried, f"{script} is not there", "Run the update again; it places it.", server)
        if self.pointed(server) != slot:
            self._effects.make_directory(self._bin)
            self._effects.link(self.link(server), str(script))

    def pointed(self, server: str) -> str | None:
        """The slot that clients start, or None when there is no launcher of ours (a pure read)."""
        try:
            target = os.readlink(self.link(server))
        except OSError:
            return None
        slots = {str(self.script(server, slot)): slot for slot in SLOTS}
        return slots.get(target)

    def stop(self, server: str, slot: str, timeout: float) -> StopReport:
        """End what clients started from this slot and its children: SIGTERM, after ``timeout`` s SIGKILL."""
        began = time.monotonic()
        ended = end_all(self._effects, server, slot, lambda: marked(self._files.root, server, slot), timeout)
        seconds = time.monotonic() - began
        if not ended.signalled:
            return StopReport("already stopped", seconds)
        return StopReport("killed" if ended.killed else "terminated", seconds)

    def remove(self, server: str) -> None:
        """Remove the launcher and the slots' files; what clients started goes on."""
        self._effects.remove_file(self.link(server))
        for slot in SLOTS:
            self._files.remove(server, slot)

    def _text(self, server: str, slot: str) -> bytes:
        command = shlex.join((*self._launcher, str(self._files.launch(server, slot))))
        return f'#!/bin/sh\n# Starts {server} from its slot {slot}.\nexec {command} "$@"\n'.encode()
