# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a lab can be on this machine at all."""

from __future__ import annotations

import subprocess
import tempfile

from .command import environment
from .lab import REQUIREMENTS

_TRY = """
set -e
mkdir lower upper work root
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
ip link add mcptry0 type veth peer name mcptry1
ip link add mcptry2 type bridge
"""


def obstacle() -> str | None:
    """What keeps a lab from being here, in a line; None when nothing does.

    Packages that are missing are installed. Namespaces and mounts are tried, in namespaces of their own that
    end with the try.
    """
    wanted = subprocess.run(
        [str(REQUIREMENTS)], env=environment(), capture_output=True, text=True, check=False
    )
    if wanted.returncode:
        return " ".join(wanted.stderr.split())
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["unshare", "--mount", "--net", "sh", "-c", _TRY],
            cwd=folder, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        said = " ".join(done.stderr.split())
        return f"this machine lets root make no namespaces, overlays or interfaces: {said}"
    return None
