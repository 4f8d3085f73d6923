# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is lost and made anew: it serves the same versions on the same slots, ports and generations."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.account import Account, Who
from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import check
from ansible_collections.mcpops.fleet.plugins.module_utils.backup import place
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.reading import read
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.restore import Restored
from ansible_collections.mcpops.fleet.plugins.module_utils.backup.written import definition_of
from ansible_collections.mcpops.fleet.plugins.module_utils.definition.parse import parse
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.protection.rules import rules_of
from ansible_collections.mcpops.fleet.plugins.module_utils.update.charge import Charge
from tests.fault.crashes.effects import Killing
from tests.integration.backup.conftest import HOST, Served, identity
from tests.support.client import LegacySession, modern_call
from tests.support.node import box, version
from tests.support.ports import free_ports

FROZEN = [{"freeze": "feast", "until": "2100-01-01"}]


def files_of(root: Path) -> set[str]:
    """All that is below a folder, but what processes leave as they run."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.relative_to(root).parts[0] not in ("logs", "run")
        and path.suffix != ".lock"
        and path.name != "lock"
    }


def test_a_backup_has_the_definitions_of_what_serves_without_the_values_of_credentials(
    served: Served,
) -> None:
    parts = read(served.archive, identity()).parts
    found = {part.name: definition_of(part) for part in parts}
    assert "s3cr3t-value" not in json.dumps(list(found.values()))
    for name, changes in served.changes.items():
        wanted = box(served.node, "2.0.0", **changes)
        assert found[name].pop("credentials") == ["SECRET"]
        again = parse(found[name], wanted.credentials)
        # A host gives ports to who has none in its definition, and keeps them.
        assert replace(again, ports=wanted.ports) == wanted


def test_a_rebuilt_host_serves_the_same_and_can_go_back(served: Served) -> None:
    # An update that had not passed its bake was under way; what it displaced is what one goes back to.
    assert version(served.node) == "2.0.0"
    served.bare()
    foreseen = served.restore(apply=False)
    assert served.state() == {} and not (served.node.root / "releases").exists()
    restored = served.restore()
    assert restored.plan.lines() == foreseen.plan.lines() and not restored.failed
    found = served.state()
    assert found["box"].pop("generation") == served.before["box"]["generation"] + 1
    expected = {
        **served.before,
        "box": {key: value for key, value in served.before["box"].items() if key != "generation"},
    }
    assert found == expected
    assert [version(served.node, name) for name in ("box", "crate")] == ["2.0.0", "2.0.0"]
    assert served.version_of_tool() == "2.0.0"
    # Sessions get the tag of the generation that was active, as they did before.
    assert LegacySession(served.node.url("crate")).headers["Mcp-Session-Id"].startswith("g2~")
    assert not {
        stat.S_IMODE(path.stat().st_mode) & 0o222 for path in (served.node.root / "releases/pypi").glob("*/*")
    } - {0}

    again = served.restore()
    assert not again.plan.lines() and len(again.plan.serving) == 3
    for name in served.changes:
        served.node.roll_back("2.0.0", **served.changes[name])
    assert [version(served.node, name) for name in ("box", "crate")] == ["1.0.0", "1.0.0"]
    assert served.version_of_tool() == "1.0.0"

    # What serves by now is not what the backup holds, and is left as it is.
    state, files = served.state(), files_of(served.node.root)
    with pytest.raises(FleetError, match="has it already, and not as the backup has it"):
        served.restore()
    assert served.state() == state and files_of(served.node.root) == files


def test_a_restore_that_is_killed_at_any_effect_goes_on_when_it_is_run_again(
    served: Served, tmp_path: Path
) -> None:
    served.bare()
    at, killed = 0, True
    while killed:
        at += 1
        killed = killed_at(served, tmp_path / "acts", at)
        for name in ("box", "crate"):
            # A client reaches what was proven, or nothing yet.
            part = served.node.host().edge.running(name)
            if part.routes and part.active is not None:
                assert part.active == served.before[name]["generation"]
                assert version(served.node, name) == "2.0.0"
    assert at > 20
    assert not served.restore().plan.lines()
    assert served.version_of_tool() == "2.0.0"
    assert {name: entry["active"] for name, entry in served.state().items()} == {
        name: entry["active"] for name, entry in served.before.items()
    }


@pytest.mark.parametrize("number", [1, 2, 20])
def test_a_restore_that_is_killed_in_the_middle_of_a_file_leaves_no_release_and_goes_on(
    served: Served, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = itertools.count(1)

    def half(path: Path, mode: int, data: Iterator[bytes]) -> None:
        if next(written) < number:
            return whole(path, mode, data)
        content = b"".join(data)
        path.write_bytes(content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    served.bare()
    whole = place._write
    monkeypatch.setattr(place, "_write", half)
    assert killed(served.restore)
    monkeypatch.undo()
    assert served.state() == {} and served.node.host().releases.all() == []
    assert served.node.host().releases.incomplete() != []
    assert not served.restore().failed
    assert served.node.host().releases.incomplete() == []
    assert [version(served.node, name) for name in ("box", "crate")] == ["2.0.0", "2.0.0"]


def killed_at(served: Served, log: Path, at: int) -> bool:
    """Restore in a process that is killed just before an effect; whether it got there."""
    return killed(lambda: served.restore(Killing(log, at)))


def killed(restore: Callable[[], Restored]) -> bool:
    """Restore in a process of its own; whether it was killed, else it went well."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(1 if restore().failed else 0)
        finally:
            os._exit(2)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_what_does_not_come_up_keeps_no_other_from_coming_back(served: Served) -> None:
    served.bare()
    with pytest.raises(FleetError, match="of the host 'node1', not of 'node2'"):
        served.restore(name="node2")
    with pytest.raises(FleetError, match="restore nobody.*Name those"):
        served.restore(servers=["nobody"])
    assert served.state() == {}
    ports = {slot: entry["port"] for slot, entry in served.before["crate"]["slots"].items()}
    port = ports[served.before["crate"]["active"]["slot"]]
    with socket.create_server(("127.0.0.1", port)):
        restored = served.restore(servers=["crate", "tool"])
        assert list(restored.failed) == ["crate"] and "the port is taken" in str(restored.failed["crate"])
        assert served.version_of_tool() == "2.0.0"
        assert served.node.host().edge.file("crate").active is None
    restored = served.restore(servers=["crate", "tool"])
    assert not restored.failed and version(served.node, "crate") == "2.0.0"
    assert set(served.state()) == {"crate", "tool"}


def test_a_restore_goes_on_with_the_hosts_own_record_and_says_there_what_it_came_from(served: Served) -> None:
    served.bare()
    with Account(served.node.host().trail, Who(), time.time).change("deploy", "other", {}):
        pass
    frozen = Charge(Who({"user": "alice"}, HOST), rules_of((), FROZEN, None))
    assert not served.restore(servers=["tool"], charge=frozen).failed
    chain = check(served.node.host().trail.parts())
    assert chain.problems == ()
    first, _ended, placing, placed, begun, ended = (line.fields for line in chain.lines)
    assert first["action"] == "deploy", "what was there before is still there"
    assert (placing["action"], placing["server"], placed["result"]) == ("restore", None, "done")
    assert len(placing["plan"]) == 2, "what it serves, and what it could go back to"
    assert (begun["action"], begun["server"], begun["who"]["user"]) == ("restore", "tool", "alice")
    assert begun["allowed"]["closed"] == "changes are frozen (feast)", "it may, and what it lacked is told"
    assert begun["backup"]["file"] == served.archive.name
    assert begun["backup"]["audit"]["seq"] > 6, "where the record of the host that was lost ended"
    assert (ended["result"], ended["after"]["package"]) == ("done", "fleet-test-server@2.0.0")
    assert ended["after"]["release"]
    assert served.restore(servers=["tool"]).plan.lines() == []
    assert len(check(served.node.host().trail.parts()).lines) == 6


def test_a_server_that_wants_a_token_is_proven_with_the_headers_that_its_definition_gave(
    served: Served, tmp_path: Path
) -> None:
    served.bare()
    served.node.update(
        "2.19.0", name="door", ports=free_ports(2), credentials={"API_TOKEN": "s3cr3t-token"},
        probe_headers={"Authorization": "Bearer {API_TOKEN}"},
    )  # fmt: skip
    guarded = Served(served.node, tmp_path)
    guarded.archive = guarded.back_up().path
    guarded.bare()
    assert not guarded.restore().failed
    headers = {"Authorization": "Bearer s3cr3t-token"}
    assert modern_call(guarded.node.url("door"), "whoami", more_headers=headers).split()[0] == "2.19.0"
