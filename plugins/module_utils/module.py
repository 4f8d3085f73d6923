# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share at their rim: the one place here that knows AnsibleModule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from .contract.require import HAS_JMESPATH, check_expression
from .definition.server import ServerDefinition
from .effects import Effects
from .errors import FleetError
from .host.layout import Layout, read_layout
from .journal.record import Record
from .update.converge import Outcome
from .update.host import Host, open_host
from .update.plan import UPDATE, Plan, until
from .update.report import Report


def read_host(module: AnsibleModule) -> Layout:
    """The layout of this host, from the module's option ``config``."""
    return read_layout(Path(module.params["config"]))


def need(module: AnsibleModule, layout: Layout, library: str, tried: str, cure: str) -> None:
    """Begin anew with the Python of the runtime, where the one in use lacks a library.

    :raises FleetError: when the runtime has none, or lacks it too.
    """
    if not has_respawned() and Path(layout.launcher[0]).exists():
        respawn_module(layout.launcher[0])
    raise FleetError(tried, missing_required_lib(library), cure)


def open_for(module: AnsibleModule, definition: ServerDefinition) -> Host:
    """This host, with all that the definition needs here.

    jmespath is wanted only where the definition has expectations; it is then taken from the runtime that the
    role host installed, if the interpreter in use has none.
    """
    # Who runs a server is not who installs it: files say by themselves who may read them.
    os.umask(0o022)
    layout = read_host(module)
    expressions = [call.expect for call in definition.require.calls if call.expect is not None]
    if expressions and not HAS_JMESPATH:
        try:
            need(module, layout, "jmespath", "read the expectations", "The role host installs it.")
        except FleetError as error:
            raise error.on(definition.name) from error
    for expression in expressions:
        try:
            check_expression(expression)
        except FleetError as error:
            raise error.on(definition.name) from error
    return open_host(layout, Effects())


def foresee_unprepared(definition: ServerDefinition, state: str, phase: str) -> Outcome:
    """What a run would do on a host that the role host has yet to prepare: in check mode it left nothing."""
    steps = until(UPDATE, phase) if state == "present" else ()
    before = ("serves: nothing",)
    return Outcome(
        plan=Plan(steps=steps, pending=bool(steps) and steps != UPDATE),
        record=Record(definition.name),
        serving=None,
        report=Report(),
        before=before,
        after=(f"serves: {definition.package}",) if steps else before,
    )


def diff_of(outcome: Outcome) -> dict[str, str]:
    """A change as ``--diff`` shows it: what served before, what serves (or would serve) after."""
    difference = outcome.report.difference
    return {
        "before_header": f"{outcome.record.server} (before)",
        "after_header": f"{outcome.record.server} (after)",
        "before": "".join(f"{line}\n" for line in outcome.before),
        "after": "".join(
            f"{line}\n" for line in (*outcome.after, *(difference.lines() if difference else ()))
        ),
    }


def result_of(outcome: Outcome, module: AnsibleModule) -> dict[str, Any]:
    """An outcome as the module's result."""
    return {**outcome.to_json(), **({"diff": diff_of(outcome)} if module._diff else {})}
