# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is on record with what it took the place of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.account import Who
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.collect import Collected
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.keep import keep
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.members import SCHEMA
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.store import Store
from tests.support.node import Node
from tests.support.releases import place
from tests.unit.backup.conftest import PART, RECIPIENTS, RELEASE


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A host with only files."""
    return place(tmp_path / "node")


@pytest.fixture
def collected(release: Path) -> Collected:
    """What it would have in its backup."""
    facts = {"schema": SCHEMA, "host": "node1"}
    return Collected((PART,), {RELEASE: release}, {}, (), facts, "a fingerprint")


def test_a_backup_and_the_old_one_that_went_for_it_are_on_record(node: Node, collected: Collected) -> None:
    host = node.host()
    store = Store(host.effects, node.root / "backups", "node1")
    first, second = (keep(host, store, collected, RECIPIENTS, 1, Who(host="node1")) for _time in range(2))
    assert second.removed == (first.stored.path,)
    begun, ended = check(host.trail.parts()).lines[-2:]
    assert (begun.event, begun.fields["action"], begun.fields["wanted"]) == ("started", "backup", ["x"])
    assert ended.fields["path"] == second.stored.path.name
    assert ended.fields["deleted"] == [first.stored.path.name]
    assert "s3cret" not in str(host.trail.parts())


def test_where_nothing_can_be_put_on_record_a_backup_is_made_and_none_removed(
    node: Node, collected: Collected
) -> None:
    host = node.host()
    store = Store(host.effects, node.root / "backups", "node1")
    first = keep(host, store, collected, RECIPIENTS, 1, Who(host="node1"))
    (node.root / "state" / "audit" / "audit.jsonl").write_text('{"not": "ours"}\n')
    second = keep(host, store, collected, RECIPIENTS, 1, Who(host="node1"))
    assert second.problem and not second.removed
    assert [stored.path for stored in store.all()] == [second.stored.path, first.stored.path]
