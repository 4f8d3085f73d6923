# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HAProxy with the role's own configuration, in a folder of the test's."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import jinja2
import yaml

from ansible_collections.mcpops.fleet.plugins.module_utils.edge.edge import Edge
from ansible_collections.mcpops.fleet.plugins.module_utils.edge.runtime import Runtime
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects

ROLE = Path(__file__).parents[2] / "roles" / "edge"


def configuration(root: Path, port: int, **settings: Any) -> str:
    """The role's template, with its defaults for all that is not set."""
    variables = {
        "ansible_managed": "for a test",
        "__edge_run": f"{root}/run",
        "__edge_map_folder": f"{root}/edge",
        "edge_address": "127.0.0.1",
        "edge_port": port,
        "edge_origins": [],
        "edge_session_idle": 3600,
        "edge_call_timeout": 300,
        "edge_stream_timeout": 86400,
        "edge_retries": 0,
        "edge_threads": 1,
        "__edge_hosts": ["localhost", "127.0.0.1", "[::1]"],
    }
    known = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert all(name in known or name == "__edge_hosts" for name in settings)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (ROLE / "templates" / "haproxy.cfg.j2").read_text()
    )
    return template.render({**variables, **settings}) + "\n"


class HAProxy:
    """Starts on entry, is ended on exit; ``kill`` and ``start`` in between as a test likes."""

    def __init__(self, root: Path, port: int, **settings: Any) -> None:
        self.root = root
        self.port = port
        self.maps = root / "edge"
        (root / "run").mkdir(parents=True)
        self.maps.mkdir()
        (root / "etc").mkdir()
        for name in ("routes", "active", "generations"):
            (self.maps / f"{name}.map").touch()
        self.file = root / "etc" / "haproxy.cfg"
        self.file.write_text(configuration(root, port, **settings))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start HAProxy, and wait until it accepts connections."""
        master = f"unix@{self.root}/run/haproxy-master.sock,mode,600"
        with open(self.root / "haproxy.log", "ab") as log:
            self.process = subprocess.Popen(
                ["haproxy", "-W", "-S", master, "-f", str(self.file)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError((self.root / "haproxy.log").read_text()) from None
                time.sleep(0.02)

    def kill(self) -> None:
        """kill -9 of master and workers."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            # Its workers end with it, but nobody waits for them.
            with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
                while True:
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                    time.sleep(0.02)

    def __enter__(self) -> HAProxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def edge(self, effects: Effects | None = None) -> Edge:
        """The collection's view of it."""
        effects = effects or Effects()
        return Edge(
            effects,
            self.maps,
            Runtime(effects, self.root / "run" / "haproxy.sock", timeout=3),
            Runtime(effects, self.root / "run" / "haproxy-master.sock", timeout=3),
        )

    def url(self, route: str) -> str:
        return f"http://127.0.0.1:{self.port}{route}"
