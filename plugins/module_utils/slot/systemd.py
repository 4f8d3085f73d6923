# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots as units of systemd, one each, hardened (``unit``); what a unit starts cannot leave its cgroup."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from ..effects import Completed, Effects
from ..errors import FleetError
from ..redaction import mask
from .driver import Ending, Process, State, StopReport
from .ending import STEP
from .files import CREDENTIALS, LAUNCH, SlotFiles
from .log import readable
from .spec import SlotSpec
from .unit import unit_name, unit_text

_STATES: Mapping[str, State] = {
    "active": "running",
    "reloading": "running",
    "deactivating": "running",
    "activating": "starting",
    "inactive": "stopped",
    "failed": "failed",
}
_SHOWN = (
    "LoadState", "ActiveState", "SubState", "MainPID", "Result", "ExecMainCode", "ExecMainStatus",
    "NRestarts", "InvocationID", "LoadError", "DropInPaths",
)  # fmt: skip
_EXITED, _SIGKILL = "1", "9"
_CONTAINER_ENDINGS: Mapping[str, Ending] = {"143": "terminated", "137": "killed"}
_ENDED = ("inactive", "failed")
_CALL = 30.0
_NOTICES = 10.0
_STOP_TIMEOUT = 10.0
_WANTS = "multi-user.target.wants"


class SystemdDriver:
    """A ``SlotDriver`` (see there) over systemd's system manager.

    The order of effects keeps two things true wherever it is cut off: what runs was started from what the
    slot's files and unit say (they change only while nothing runs); and what was stopped does not come back
    with a restarted host (its link for the boot goes first).

    :param units: the folder of the host's own units (/etc/systemd/system).
    :param launcher: the argv to which the path of a launch.json is added.
    :param encrypted: whether ``files`` keep credentials encrypted.
    """

    def __init__(
        self, effects: Effects, files: SlotFiles, units: Path, launcher: tuple[str, ...], encrypted: bool
    ) -> None:
        self._effects = effects
        self._files = files
        self._units = units
        self._launcher = launcher
        self._encrypted = (CREDENTIALS,) if encrypted else ()

    def holds(self, spec: SlotSpec) -> bool:
        """Whether the slot's files and unit say exactly this (a pure read)."""
        return self._files.matches(spec) and _bytes(self._unit(spec.server, spec.slot)) == self._text(spec)

    def runs(self, spec: SlotSpec) -> bool:
        """Whether the slot's process is up and was started from exactly this description (a pure read)."""
        shown = self._show(spec.server, spec.slot)
        return shown["ActiveState"] not in (*_ENDED, "deactivating") and self.holds(spec)

    def returns(self, spec: SlotSpec) -> bool:
        """Whether a boot starts the slot; what its unit says is for ``holds`` (a pure read)."""
        return self._wanted(spec.server, spec.slot).is_symlink()

    def start(self, spec: SlotSpec) -> Process:
        """Run exactly this in the slot; see ``SlotDriver.start``.

        :raises FleetError: when systemd cannot be reached or refuses the unit.
        """
        server, slot = spec.server, spec.slot
        if not self.runs(spec):
            before = self._files.read(server, slot)
            self.stop(server, slot, before.stop_timeout if before else spec.stop_timeout)
            self._files.write(spec)
            if _bytes(self._unit(server, slot)) != self._text(spec):
                self._effects.write_file(self._unit(server, slot), self._text(spec))
            self._control(server, slot, "daemon-reload")
            self._want(server, slot)
            # Whether its process is any good shows in its status; that it has a unit at all must be.
            self._control(server, slot, "start", failing=True)
            shown = self._show(server, slot)
            if shown["LoadState"] != "loaded":
                came_back = f"systemd has it as {shown['LoadState']} {shown['LoadError']}".strip()
                cure = f"See systemd-analyze verify {self._unit(server, slot)}."
                raise FleetError(f"start slot {slot} in systemd", came_back, cure, server)
        self._want(server, slot)
        return self.status(server, slot)

    def stop(self, server: str, slot: str, timeout: float) -> StopReport:
        """End every process of the slot; see ``SlotDriver.stop``.

        :raises FleetError: when systemd cannot be reached, or something does not end by SIGKILL either.
        """
        began = time.monotonic()
        spec = self._files.read(server, slot)
        deadline = began + (min(timeout, spec.stop_timeout) if spec else timeout)
        self._effects.remove_file(self._wanted(server, slot))
        shown = self._show(server, slot)
        if shown["ActiveState"] in _ENDED:
            if shown["ActiveState"] == "failed":
                self._control(server, slot, "reset-failed", failing=True)
            return StopReport("already stopped", time.monotonic() - began)
        self._control(server, slot, "stop", "--no-block")
        killed = False
        while (shown := self._show(server, slot))["ActiveState"] not in _ENDED:
            now = time.monotonic()
            if now > deadline + _NOTICES:
                raise FleetError(
                    f"stop slot {slot} in systemd",
                    f"{unit_name(server, slot)} is {shown['ActiveState']} ({shown['SubState']})"
                    f" {_NOTICES:g} s after SIGKILL",
                    "Its processes hang in the kernel, as on a lost network disk: see systemctl status.",
                    server,
                )
            if now > deadline and not killed:
                self._control(server, slot, "kill", "--signal=SIGKILL", "--kill-who=all", failing=True)
                killed = True
            time.sleep(STEP)
        # systemd keeps how it ended as a failure when it took a signal, which here is no fault.
        self._control(server, slot, "reset-failed", failing=True)
        how = _ending(shown, killed)
        if spec and spec.container and not killed:
            # podman ends with the status of what it ran, and a shell's number for a signal.
            how = _CONTAINER_ENDINGS.get(shown["ExecMainStatus"], how)
        return StopReport(how, time.monotonic() - began)

    def status(self, server: str, slot: str) -> Process:
        """What runs in the slot now (a pure read).

        :raises FleetError: when systemd cannot be reached.
        """
        shown = self._show(server, slot)
        state = _STATES.get(shown["ActiveState"], "failed")
        if state == "stopped" and self._files.read(server, slot) is None:
            return Process("absent")
        detail = f"{shown['ActiveState']} ({shown['SubState']})"
        if shown["Result"] not in ("", "success"):
            detail += f", {shown['Result']}, exit status {shown['ExecMainStatus']}"
        if shown["NRestarts"] not in ("", "0"):
            detail += f", started again {shown['NRestarts']} times"
        return Process(state, int(shown["MainPID"] or 0) or None, detail)

    def additions(self, server: str, slot: str) -> tuple[str, ...]:
        """Drop-ins of just this unit (``systemctl edit``); those of many units are the host's own policy."""
        paths = self._show(server, slot)["DropInPaths"].split()
        return tuple(path for path in paths if Path(path).parent.name == f"{unit_name(server, slot)}.d")

    def folders(self) -> tuple[Path, ...]:
        """Where the units are, and the links that let a boot start them."""
        return (self._units, self._units / _WANTS)

    def log_tail(self, server: str, slot: str, lines: int = 20) -> str:
        """The last lines that the slot's newest process wrote, credentials masked."""
        invocation = self._show(server, slot)["InvocationID"]
        if not invocation:
            return ""
        argv = ["journalctl", "--quiet", "--no-pager", "--output=cat", f"--lines={lines}"]
        done = _read([*argv, f"_SYSTEMD_INVOCATION_ID={invocation}"], server, slot)
        spec = self._files.read(server, slot)
        secrets = list(spec.credentials.values()) if spec else []
        return mask(readable(mask(done.stdout, secrets), lines), secrets)

    def remove(self, server: str, slot: str, *, keep_log: bool = False) -> None:
        """Stop the slot and remove all that is kept for it; what it logged stays in the journal's care."""
        spec = self._files.read(server, slot)
        self.stop(server, slot, spec.stop_timeout if spec else _STOP_TIMEOUT)
        if self._unit(server, slot).exists():
            self._effects.remove_file(self._unit(server, slot))
            self._control(server, slot, "daemon-reload")
        self._files.remove(server, slot)

    def _unit(self, server: str, slot: str) -> Path:
        self._files.folder(server, slot)
        return self._units / unit_name(server, slot)

    def _wanted(self, server: str, slot: str) -> Path:
        return self._units / _WANTS / unit_name(server, slot)

    def _want(self, server: str, slot: str) -> None:
        """Let a host that boots start the slot; durable, which systemctl enable is not."""
        link, target = self._wanted(server, slot), f"../{unit_name(server, slot)}"
        if not link.is_symlink():
            self._effects.make_directory(link.parent)
            self._effects.link(link, target)

    def _text(self, spec: SlotSpec) -> bytes:
        folder = self._files.folder(spec.server, spec.slot)
        handed = {name: folder / name for name in (LAUNCH, CREDENTIALS)}
        return unit_text(spec, self._launcher, handed, self._encrypted)

    def _show(self, server: str, slot: str) -> Mapping[str, str]:
        argv = ["systemctl", "show", f"--property={','.join(_SHOWN)}", unit_name(server, slot)]
        done = _read(argv, server, slot)
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {**dict.fromkeys(_SHOWN, ""), **{key: value for key, _equals, value in pairs}}

    def _control(self, server: str, slot: str, verb: str, *options: str, failing: bool = False) -> None:
        """Let systemctl act; with ``failing`` its refusal is for the caller to find in the unit's state."""
        unit = [] if verb == "daemon-reload" else [unit_name(server, slot)]
        argv = ["systemctl", "--quiet", *options, verb, *unit]
        done = self._effects.run(argv, timeout=_CALL)
        if done.returncode and not failing:
            raise _refused(" ".join(argv), done.reason(), server)


def _ending(shown: Mapping[str, str], killed: bool) -> Ending:
    if killed or (shown["ExecMainCode"] != _EXITED and shown["ExecMainStatus"] == _SIGKILL):
        return "killed"
    return "exited" if shown["ExecMainCode"] == _EXITED else "terminated"


def _read(argv: list[str], server: str, slot: str) -> Completed:
    """Ask without changing anything."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_CALL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(" ".join(argv[:2]), str(error), server) from error
    answer = Completed(
        done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )
    if answer.returncode:
        raise _refused(" ".join(argv[:2]), answer.reason(), server)
    return answer


def _refused(command: str, came_back: str, server: str) -> FleetError:
    cure = "See that systemd runs here and that the fleet's user is root (ansible_become)."
    return FleetError(f"run {command}", came_back, cure, server)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
