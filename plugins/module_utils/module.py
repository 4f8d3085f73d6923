# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share at their rim: the one place here that knows AnsibleModule."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from .audit.account import Who
from .contract.require import HAS_JMESPATH, check_expression
from .contract.shown import shown, verdict
from .definition.server import ServerDefinition
from .effects import Effects
from .errors import FleetError
from .host.layout import Layout, read_layout
from .journal.record import Record
from .protection.permit import Change, permit
from .protection.rules import rules_of
from .release.moved import listed
from .update.charge import Charge
from .update.host import Host, open_host
from .update.outcome import Outcome
from .update.plan import UPDATE, Plan, until
from .update.report import Report

CHARGE: dict[str, dict[str, Any]] = {
    "approve": {"type": "list", "elements": "str", "default": []},
    "windows": {"type": "list", "elements": "raw", "default": []},
    "emergency": {"type": "raw"},
    "reason": {"type": "str"},
    "caller": {"type": "dict", "default": {}},
}
"""Options of modules that change servers; the documentation fragment ``fleet.charge`` describes them."""


def require_apart(module: AnsibleModule) -> None:
    """Refuse credentials in the definition, and show none: only an option of their own is kept secret.

    :raises FleetError: when there are any; the action plugins move them, so nobody should meet it.
    """
    inside = module.params["server"].get("credentials")
    if inside:
        values = inside.values() if isinstance(inside, dict) else [inside]
        module.no_log_values.update(str(value) for value in values)
        raise FleetError(
            "read the definition", "credentials stand in it", "Give them in the option credentials.",
            str(module.params["server"].get("name")),
        )  # fmt: skip


def charge_of(module: AnsibleModule) -> Charge:
    """Who asks for what the module is to do, and what allows it.

    :raises FleetError: when the rules cannot be read; nothing may be changed then.
    """
    claims = {str(key): str(value)[:200] for key, value in module.params["caller"].items()}
    host = claims.pop("host", None)
    given = (module.params[option] for option in ("approve", "windows", "emergency"))
    return Charge(Who(claims, host, module.params["reason"]), rules_of(*given))


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


def foresee_unprepared(definition: ServerDefinition, state: str, phase: str, charge: Charge) -> Outcome:
    """What a run would do on a host that the role host has yet to prepare: in check mode it left nothing."""
    steps = until(UPDATE, phase) if state == "present" else ()
    first = Change(definition.name, f"deploy {definition.package}", definition.version, guarded=False)
    refusal = permit([first] if steps else [], False, charge.rules, datetime.now(timezone.utc)).refusal
    before = ("serves: nothing",)
    return Outcome(
        plan=Plan(steps=steps, pending=bool(steps) and steps != UPDATE),
        record=Record(definition.name),
        serving=None,
        report=Report(),
        before=before,
        after=(f"serves: {definition.package}",) if steps else before,
        refused=str(refusal) if refusal else None,
    )


def diff_of(outcome: Outcome) -> dict[str, str]:
    """A change as ``--diff`` shows it: what served before, what serves (or would serve) after."""
    before, after = contract_lines(outcome.report)
    artifacts = artifact_lines(outcome.report)
    return {
        "before_header": f"{outcome.record.server} (before)",
        "after_header": f"{outcome.record.server} (after)",
        "before": "".join(f"{line}\n" for line in (*outcome.before, *before)),
        "after": "".join(f"{line}\n" for line in (*outcome.after, *artifacts, *after)),
    }


def artifact_lines(report: Report) -> list[str]:
    """Which artifacts of the release are others than those of the one that serves."""
    if not report.artifacts:
        return []
    return [f"artifacts: {len(report.artifacts)} differ", *(f"  {line}" for line in listed(report.artifacts))]


def contract_lines(report: Report) -> tuple[list[str], list[str]]:
    """What the old and the new contract say where they differ, with the verdict on the new one."""
    difference = report.difference
    if report.unseen:
        return [], [f"contract: not known, because it could not be looked at: {report.unseen}"]
    if difference is None or report.offers is None or not (difference.changes or difference.hidden):
        return [], []
    old, new = report.offers
    return shown(old, difference), [*verdict(difference), *shown(new, difference)]


def result_of(outcome: Outcome, module: AnsibleModule) -> dict[str, Any]:
    """An outcome as the module's result; what its owner should know of it becomes a warning."""
    for warning in outcome.report.warnings:
        module.warn(f"{outcome.record.server}: {warning}")
    if outcome.report.audit_problem:
        module.warn(
            f"{outcome.record.server}: the audit is not as it should be: {outcome.report.audit_problem}"
        )
    if outcome.refused:
        module.warn(f"This would be refused: {outcome.refused}")
    return {**outcome.to_json(), **({"diff": diff_of(outcome)} if module._diff else {})}
