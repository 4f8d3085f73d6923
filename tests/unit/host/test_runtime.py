# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role host installs."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import pinned
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

ROLE = Path(__file__).parents[3] / "roles" / "host"


def test_all_that_a_runtime_may_have_is_pinned_with_hashes() -> None:
    named = re.findall(r"([a-z-]+)==([0-9.]+)", (ROLE / "vars" / "main.yml").read_text())
    text = (ROLE / "files" / "runtime.txt").read_text()
    locked = [(artifact.name, artifact.version) for artifact in pinned(Package("pypi", "x", "0"), text)]
    assert sorted(locked) == sorted(named) != []
