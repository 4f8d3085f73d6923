# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks as a user would, and shows how they get on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
INVENTORY = REPOSITORY / "inventories" / "demo"

_TASK = re.compile(r"^TASK \[(?:mcpops\.fleet\.(\w+) : )?(.*?)\] \**$")
_RESULT = re.compile(r"^(changed|ok|fatal|failed): \[([^\] ]+)\](.*)$")
_STATS = re.compile(r"^\s+RUN: (\{.*\})$")
_SHOWN = re.compile(r"^(Install the runtime|Start|Stage|Switch|Check .* clients|Drain|Undo|Go back|End)")


@dataclass(frozen=True)
class Run:
    """How a playbook ended: its exit code, seconds, and per host what ``mcp_update`` reported."""

    returncode: int
    seconds: float
    report: Mapping[str, Any]
    log: Path


class Playbooks:
    """``root`` is the demo's folder, ``port`` the number from which its ports count."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.logs = root / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._environment = {
            **os.environ,
            "MCPOPS_DEMO_ROOT": str(root),
            "MCPOPS_DEMO_PORT": str(port),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".work" / "links"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, name: str, log: str, variables: Mapping[str, Any] | None = None) -> Run:
        """Run a playbook of the collection, showing its main tasks as they are done."""
        started = time.monotonic()
        argv = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i", str(INVENTORY), f"mcpops.fleet.{name}", "-e", json.dumps(dict(variables or {})),
        ]  # fmt: skip
        path = self.logs / f"{log}.log"
        report: Mapping[str, Any] = {}
        with (
            path.open("w") as stream,
            subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._environment,
                cwd=self.root, stdin=subprocess.DEVNULL,
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    stream.write(line)
                    self._show(line, started)
                    stats = _STATS.match(line)
                    report = json.loads(stats[1]).get("mcp_update", {}) if stats else report
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                process.wait(60)
                raise
        return Run(process.returncode, time.monotonic() - started, report, path)

    _task = ""

    def _show(self, line: str, started: float) -> None:
        task, result = _TASK.match(line), _RESULT.match(line)
        if task:
            self._task = task[2]
        elif result and _SHOWN.match(self._task):
            mark = {"changed": "", "ok": ""}.get(result[1], "  FAILED")
            print(f"  {time.monotonic() - started:5.1f} s  {result[2]:6} {self._task}{mark}", flush=True)
