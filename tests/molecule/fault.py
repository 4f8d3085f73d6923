# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command, and do something to a host of the lab as soon as its edge has switched a server.

``python -m tests.molecule.fault cut|kill HOST SERVER COMMAND…``: ends with the command's exit code, or with 3
when the command ended before the switch.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.lab.lab import Lab

NEVER = 3


def generation(maps: Path, server: str) -> str:
    """The generation that new clients of the server reach; empty when there is none."""
    lines = (maps / "active.map").read_text("ascii").splitlines()
    return dict(line.split() for line in lines).get(server, "")


def main(verb: str, name: str, server: str, *command: str) -> int:
    """See the module."""
    lab = Lab.of_environment()
    maps = lab.hosts()[name].folder / "root/var/lib/mcp/edge"
    before = generation(maps, server)
    with subprocess.Popen(command) as process:
        while generation(maps, server) == before:
            if process.poll() is not None:
                print(f"{name} did not switch {server} (it serves {before})", file=sys.stderr)
                return NEVER
            time.sleep(0.02)
        {"cut": lab.cut, "kill": lab.kill}[verb](name)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
