# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release would offer on this host, found out without touching what runs, and with nothing left of it.

For a look ahead: the release is installed into a scratch folder (unless this host has it), started there as a
process of its own, asked, and removed again. Its calls are not made: they could do something.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..contract.offer import Offer
from ..definition.probe_headers import filled
from ..definition.server import ServerDefinition
from ..effects import die_with_parent
from ..errors import FleetError, explained
from ..protocol.excerpt import Excerpt
from ..protocol.report import ProbeReport
from ..protocol.targets import HttpTarget, StdioTarget
from ..release.kind import Program
from ..slot.container import NOBODY, NOBODY_ID, contained, container_name
from ..slot.ending import end_all
from ..slot.log import tail
from ..slot.process import ROOT_VARIABLE, SLOT_VARIABLE, identities, marked, tree
from .endpoints import local_url
from .host import Host, in_unit, package_of, require_driver_for, settings_of
from .offered import offer_of
from .ready import GRACE, PAUSE, PROBE_TIMEOUT, probe_timeout, reachable
from .scratch import SLOT, STOP_SECONDS, scratch

_FOLDER = ".preview"


def preview(host: Host, definition: ServerDefinition) -> Offer:
    """What the release that ``definition`` names offers here, with its arguments and credentials.

    Takes as long as an installation and a start (``update.install_timeout`` and ``ready_timeout`` hold). It
    runs as an unprivileged client where the host has that, with an empty data folder. The package cache is
    used and may grow; else nothing stays, also after an interruption.

    :raises FleetError: naming the server and why its offer cannot be found out: it cannot be installed or
        started, or does not speak MCP.
    """
    with explained(f"look ahead at {definition.package}"):
        try:
            with scratch(host.effects, host.layout.releases / _FOLDER, definition.name) as folder:
                return _Preview(host, definition, folder).offer()
        except FleetError as error:
            raise error.on(definition.name) from error


class _Preview:
    """One release in one scratch folder."""

    def __init__(self, host: Host, definition: ServerDefinition, folder: Path) -> None:
        self._host = host
        self._definition = definition
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "log"
        self._excerpt = Excerpt(definition.credentials)
        self._told: Mapping[str, str] = {}
        self._in_unit = in_unit(host.layout, definition)

    def offer(self) -> Offer:
        """Install, start, ask."""
        program = self._program()
        command = program.argv
        self._told = program.environment
        self._make_data()
        deadline = self._host.senses.monotonic() + self._definition.update.ready_timeout
        if self._definition.over_http:
            report = self._over_http(command, deadline)
        else:
            report = self._over_stdio(command)
        return offer_of(report, self._definition.transport, self._excerpt)

    def _program(self) -> Program:
        require_driver_for(self._host.layout, self._definition)
        package, releases = package_of(self._definition), self._host.releases
        release = releases.find(package)
        if release is None:
            releases = releases.beside(self._folder / "releases")
            release = releases.install(package, timeout=self._definition.update.install_timeout)
        return releases.program(release, settings_of(self._definition))

    def _make_data(self) -> None:
        """The data folder: it is home to a process with credentials, so no other account gets into it."""
        effects, owner = self._host.effects, self._owner()
        effects.act("chmod", str(self._folder), lambda: self._folder.chmod(0o700 if owner is None else 0o711))
        effects.make_directory(self._data, 0o700)
        if owner is not None:
            effects.act("chown", str(self._data), lambda: os.chown(self._data, owner, -1))

    def _owner(self) -> int | None:
        """The account that the server runs as; None: our own."""
        if not self._host.layout.unprivileged:
            return None
        if self._in_unit:
            return NOBODY_ID
        argv = (*self._host.layout.unprivileged, "/usr/bin/id", "-u")
        told = self._host.effects.run(argv, timeout=PROBE_TIMEOUT)
        try:
            return int(told.stdout)
        except ValueError as error:
            raise self._failure(
                f"{argv[0]} does not run as the account that probes: {told.stderr.strip() or told.stdout!r}"
            ) from error

    def _argv(self, command: tuple[str, ...], port: int | None) -> tuple[str, ...]:
        before = self._host.layout.unprivileged
        if self._in_unit:
            # The container alone is unprivileged: an account without a home has no images.
            name = container_name(self._definition.name, SLOT)
            command, before = contained(command, name, self._definition.service, str(self._data), NOBODY), ()
        words = (self._filled(word, port) for word in (*command, *self._definition.arguments))
        if before:
            # What drops the privileges has them, and must not load what a package names (LD_PRELOAD).
            before = (*before, "/usr/bin/env", *(f"{key}={value}" for key, value in self._own(port).items()))
        return (*before, *self._host.bridge(self._definition, port), *words)

    def _own(self, port: int | None) -> dict[str, str]:
        """The variables that the package and the definition name, but for credentials."""
        given = {**self._told, **self._definition.environment}
        return {name: self._filled(value, port) for name, value in given.items()}

    def _filled(self, text: str, port: int | None) -> str:
        return text.replace("{port}", str(port)).replace("{data}", str(self._data))

    def _environment(self, port: int | None) -> dict[str, str]:
        """Nothing of our own but the path: what it writes at home or into a temporary folder goes too."""
        as_client = self._host.layout.unprivileged and not self._in_unit
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            # podman reads settings at home, and must not find what a server wrote there.
            "HOME": "/" if self._in_unit else str(self._data),
            "TMPDIR": str(self._data),
            **({} if as_client else self._own(port)),
            **self._definition.credentials,
            SLOT_VARIABLE: f"{self._definition.name}/{SLOT}",
            ROOT_VARIABLE: str(self._folder),
        }

    def _over_stdio(self, command: tuple[str, ...]) -> ProbeReport:
        target = StdioTarget(
            argv=self._argv(command, None),
            environment=self._environment(None),
            directory=str(self._data),
            hidden=self._definition.credentials,
        )
        report = self._host.senses.probe(target, timeout=probe_timeout(self._definition))
        if report.era is None:
            raise self._failure(f"it does not speak MCP: {report.describe()}")
        return report

    def _over_http(self, command: tuple[str, ...], deadline: float) -> ProbeReport:
        port = _free_port()
        with self._running(self._argv(command, port), self._environment(port)) as process:
            target = self._target(self._listening(process, port, deadline), port)
            patience = min(deadline, self._host.senses.monotonic() + GRACE)
            while True:
                report = self._host.senses.probe(target, timeout=PROBE_TIMEOUT)
                now = self._host.senses.monotonic()
                if report.era and (report.conclusive or now >= patience):
                    return report
                if now >= (patience if report.conclusive else deadline):
                    raise self._failure(f"it does not speak MCP there: {report.describe()}")
                self._must_run(process)
                self._host.senses.sleep(PAUSE)

    def _target(self, address: str, port: int) -> HttpTarget:
        return HttpTarget(
            url=local_url(address, port, self._definition.path),
            headers={
                **filled(self._definition.probe_headers, self._definition.credentials),
                "Host": f"localhost:{port}",
            },
            hidden=self._definition.credentials,
        )

    @contextlib.contextmanager
    def _running(
        self, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The server's process, until it is of no use any more; ``scratch`` ends what it started."""
        with open(self._log, "wb") as log:
            process = self._host.effects.act(
                "preview.start", self._definition.name, lambda: self._start(argv, environment, log.fileno())
            )
        try:
            yield process
        finally:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        server = self._definition.name
        seconds = min(self._definition.update.stop_timeout, STOP_SECONDS)
        end_all(
            self._host.effects,
            server,
            SLOT,
            lambda: identities(tree(process.pid)) | marked(self._folder, server, SLOT),
            seconds,
        )
        process.wait()

    def _start(
        self, argv: tuple[str, ...], environment: Mapping[str, str], log: int
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                cwd=self._data,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise self._failure(f"it cannot be started: {error}") from None

    def _listening(self, process: subprocess.Popen[bytes], port: int, deadline: float) -> str:
        senses = self._host.senses
        while True:
            listener = senses.owns_port(process.pid, port)
            if listener:
                return reachable(listener.address)
            self._must_run(process)
            if senses.monotonic() >= deadline:
                seconds = self._definition.update.ready_timeout
                raise self._failure(f"it did not listen on the port it was given within {seconds:g} s")
            senses.sleep(PAUSE)

    def _must_run(self, process: subprocess.Popen[bytes]) -> None:
        code = process.poll()
        if code is not None:
            how = f"exited with code {code}" if code >= 0 else f"was ended by signal {-code}"
            raise self._failure(f"its process {how}")

    def _failure(self, came_back: str) -> FleetError:
        text = tail((self._log,), 12, list(self._definition.credentials.values()))
        said = " | ".join(line.strip() for line in text.splitlines())[-1500:]
        return FleetError(
            f"look ahead at what {self._definition.package} offers",
            self._excerpt.redact(came_back) + (f". It wrote: {said}" if said else ""),
            "Check arguments, environment and credentials; the update itself would show the same.",
            self._definition.name,
        )


def _free_port() -> int:
    """A port that nobody has, and none of those that slots are given."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
