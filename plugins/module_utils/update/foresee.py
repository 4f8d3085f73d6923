# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look ahead at the release that an update would bring: its contract, and what it is made of."""

from __future__ import annotations

from pathlib import Path

from ..contract.compare import compare
from ..definition.server import ServerDefinition
from ..eras.known import cure
from ..errors import FleetError
from ..protocol.excerpt import Excerpt
from ..release.manifest import artifacts_of
from ..release.moved import moved
from .gate import rule
from .host import Host, package_of
from .outcome import Outcome
from .preview import preview
from .proven import proven_offer
from .ready import unoffered


def foresee_contract(host: Host, definition: ServerDefinition, outcome: Outcome) -> None:
    """Add to what a run would do how the contract would change, where it would bring a release into service.

    A release whose offer cannot be found out beforehand is no error: the report then says why.
    """
    report, record = outcome.report, outcome.record
    if "staged" not in outcome.plan.steps:
        return
    old = proven_offer(record, outcome.serving)
    try:
        new = preview(host, definition)
    except FleetError as error:
        report.unseen = str(error)
        return
    difference = compare(old, new)
    report.compared(difference, old, new)
    ruling = rule(difference, definition.update)
    report.warnings += ruling.warnings
    if ruling.problem:
        report.warnings.append(f"the update would be stopped: {ruling.problem}. {ruling.cure}")
    dropped = [era for era in old.eras if era not in new.eras] if old else []
    objection = report.eras and report.eras.objection(dropped, definition.update.drop_eras)
    for offered in (new, new.for_legacy() or new):
        lacks = unoffered(offered.tools, definition.require, Excerpt(definition.credentials))
        if lacks:
            report.warnings.append(f"the update would be stopped: {lacks}")
            break
    if objection:
        report.warnings.append(f"the update would be stopped: {objection}. {cure(dropped)}")


def foresee_artifacts(host: Host, definition: ServerDefinition, outcome: Outcome) -> None:
    """Add to what a run would do which artifacts would be others, where a lock names them.

    A new lock of the version that serves brings another release of it, which nothing else would tell.
    """
    serving = outcome.record.slots.get(outcome.serving) if outcome.serving else None
    lock = host.releases.lock_of(package_of(definition))
    if "staged" not in outcome.plan.steps or serving is None or lock is None:
        return
    same = (serving.registry_type, serving.identifier) == (definition.registry_type, definition.identifier)
    old = artifacts_of(Path(serving.path)) if same else None
    if old is not None:
        outcome.report.artifacts = moved(old, lock.closure.artifacts)
