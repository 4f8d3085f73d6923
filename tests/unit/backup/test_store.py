# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of backups on a host: whole or not there, each with its note, the newest few kept."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.backup.age import Recipients
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.collect import Collected
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.members import SCHEMA
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.reading import read
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.store import Store, noted, require_bytes
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from tests.fault.crashes.effects import Killing
from tests.unit.backup.conftest import IDENTITY, PART, RECIPIENTS, RELEASE


@pytest.fixture
def collected(release: Path) -> Collected:
    """What a host would have in its backup."""
    facts = {"schema": SCHEMA, "host": "node1"}
    return Collected(
        (PART,), {RELEASE: release}, {"y": "its removal is under way"}, (), facts, "a fingerprint"
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The backups of node1."""
    return Store(Effects(), tmp_path / "backups", "node1")


def test_a_backup_is_found_with_its_note_and_kept_until_newer_ones_are_there(
    store: Store, collected: Collected
) -> None:
    made = [store.make(collected, RECIPIENTS).path for _time in range(3)]
    assert [stored.path for stored in store.all()] == made[::-1]
    note = store.all()[0].note
    assert note["servers"] == {"x": {"blue": "x@1"}} and note["omitted"] == collected.omitted
    assert "s3cret" not in str(note)
    assert store.prune(2) == made[:1] and [stored.path for stored in store.all()] == made[:0:-1]
    assert store.prune(0) == made[1:2]
    assert read(made[2], IDENTITY).parts == (PART,)
    assert {path.name for path in made[2].parent.iterdir()} == {".lock", made[2].name, f"{made[2].name}.json"}


def test_the_newest_backup_is_enough_while_it_holds_the_same(store: Store, collected: Collected) -> None:
    assert store.holding(collected, RECIPIENTS) is None
    stored = store.make(collected, RECIPIENTS)
    assert store.holding(collected, RECIPIENTS) == stored
    assert store.holding(replace(collected, fingerprint="another"), RECIPIENTS) is None
    more = Recipients([*RECIPIENTS.texts, str(pyrage.x25519.Identity.generate().to_public())])
    assert store.holding(collected, more) is None
    stored.path.write_bytes(stored.path.read_bytes()[:-1])
    assert store.holding(collected, RECIPIENTS) is None


def test_a_backup_that_the_disk_changed_is_noticed_without_a_key(store: Store, collected: Collected) -> None:
    stored = store.make(collected, RECIPIENTS)
    require_bytes(noted(stored.path))
    whole = stored.path.read_bytes()
    stored.path.write_bytes(whole[:-9] + b"x" + whole[-8:])
    with pytest.raises(FleetError, match="sha256 is another"):
        require_bytes(noted(stored.path))


def test_a_backup_that_was_killed_at_any_effect_leaves_none_and_the_next_tidies(
    tmp_path: Path, collected: Collected, store: Store
) -> None:
    at = 0
    while True:
        at += 1
        pid = os.fork()
        if pid == 0:
            try:
                Store(Killing(tmp_path / "acts", at), tmp_path / "backups", "node1").make(
                    collected, RECIPIENTS
                )
                os._exit(0)
            finally:
                os._exit(2)
        status = os.waitpid(pid, 0)[1]
        for stored in store.all():
            assert read(stored.path, IDENTITY).parts == (PART,)
        if not os.WIFSIGNALED(status):
            assert status == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert at > 8
    names = {path.name for path in (tmp_path / "backups").iterdir()}
    backups = {stored.path.name for stored in store.all()}
    assert names == {".lock", *backups, *(f"{name}.json" for name in backups)}


def test_a_release_that_cannot_be_read_leaves_the_older_backup(
    store: Store, collected: Collected, release: Path
) -> None:
    stored = store.make(collected, RECIPIENTS)
    os.mkfifo(release / "pipe")
    with pytest.raises(FleetError, match="neither a file, a folder nor a link"):
        store.make(collected, RECIPIENTS)
    assert store.all() == [stored]
    assert len(list(stored.path.parent.iterdir())) == 3


def test_backups_of_other_hosts_in_the_folder_are_not_ones_own(tmp_path: Path, collected: Collected) -> None:
    folder = tmp_path / "backups"
    other = Store(Effects(), folder, "node1-b")
    stored = other.make(collected, RECIPIENTS)
    assert Store(Effects(), folder, "node1").all() == [] and other.all() == [stored]
    with pytest.raises(FleetError, match="cannot be the name of a file"):
        Store(Effects(), folder, "../node1")
