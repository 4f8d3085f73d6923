# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of scenarios leaves no process behind, and ends none of others."""

from __future__ import annotations

import os
import subprocess
import uuid

from tests.molecule.__main__ import MARK, SCENARIOS, end, names


def test_processes_of_a_run_are_ended_with_their_children_and_others_are_not() -> None:
    mark = uuid.uuid4().hex
    script = "trap '' TERM; setsid sleep 60 & wait"
    ours = subprocess.Popen(["sh", "-c", script], env={**os.environ, MARK: mark})
    with subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: uuid.uuid4().hex}) as other:
        end(mark, within=0.5)
        assert ours.wait(10) == -9
        assert other.poll() is None
        other.kill()


def test_the_first_deployment_has_the_first_turn_and_every_scenario_one() -> None:
    found = names()
    assert found[0] == "deploy"
    assert len(found) == len(set(found))
    assert {*found, "default"} == {path.parent.name for path in SCENARIOS.glob("*/molecule.yml")}
