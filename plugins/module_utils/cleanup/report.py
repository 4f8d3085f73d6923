# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cleanup did, or would do, as a module's result and as lines of a diff."""

from __future__ import annotations

from typing import Any

from ..retention.decide import Decision
from .outcome import Outcome


def result_of(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a module's result."""
    entries = [
        {
            "path": decision.item.path,
            "kind": decision.item.kind,
            "name": decision.item.name,
            "age": None if decision.item.age is None else int(decision.item.age),
            "size": outcome.freed.get(decision.item.path) or decision.item.size,
            "action": "delete" if decision.item.path in outcome.freed else "keep",
            "rule": decision.rule if not decision.delete or decision.item.path in outcome.freed else "left",
            "why": _why(decision, outcome),
        }
        for decision in outcome.sight.decisions
    ]
    entries += [
        {
            "path": str(tomb),
            "kind": "tombstone",
            "name": tomb.name,
            "age": None,
            "size": outcome.freed.get(str(tomb)),
            "action": "delete",
            "rule": "unfinished",
            "why": "an earlier cleanup had begun to delete it",
        }
        for tomb in outcome.sight.buried
        if str(tomb) in outcome.freed
    ]
    return {
        "changed": outcome.changed,
        "audit": outcome.audit and outcome.audit.to_json(),
        "found": entries,
        "reclaimed": sum(size or 0 for size in outcome.freed.values()),
        "kept": sum(entry["size"] or 0 for entry in entries if entry["action"] == "keep"),
        "left": [{"path": path, "why": why} for path, why in outcome.left],
        "foreign": [{"path": path, "why": why} for path, why in outcome.sight.foreign],
        "orphans": [
            {
                "pid": orphan.identity.pid,
                "server": orphan.server,
                "slot": orphan.slot,
                "seconds": orphan.seconds,
                "why": orphan.why,
                "action": what,
            }
            for orphan, what in outcome.orphans
        ],
    }


def _why(decision: Decision, outcome: Outcome) -> str:
    left = dict(outcome.left).get(decision.item.path)
    return left if decision.delete and left and decision.item.path not in outcome.freed else decision.why


def diff_of(outcome: Outcome) -> dict[str, str]:
    """A cleanup as ``--diff`` shows it: what stands there before and after."""
    entries = result_of(outcome)["found"]
    before = [f"{entry['path']}\n" for entry in entries]
    after = [f"{entry['path']}\n" for entry in entries if entry["action"] == "keep"]
    return {
        "before_header": "before the cleanup",
        "after_header": "after it",
        "before": "".join(before),
        "after": "".join(after),
    }
