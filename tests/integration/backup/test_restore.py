# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is lost and made anew: it serves the same versions on the same slots, ports and generations."""

from __future__ import annotations

from tests.integration.backup.conftest import Served
from tests.support.node import version


def test_a_rebuilt_host_serves_the_same_and_can_go_back(served: Served) -> None:
    before = served.state()
    stored = served.back_up()
    served.bare()
    assert served.state() == {}
    restored = served.restore(stored.path)
    assert not restored.failed and len(restored.plan.lacking) == 3
    assert served.state() == before
    assert [version(served.node, name) for name in ("box", "crate")] == ["2.0.0", "2.0.0"]
    assert served.version_of_tool() == "2.0.0"
    again = served.restore(stored.path)
    assert not again.plan.lacking and not again.plan.releases
    served.node.roll_back("2.0.0", **served.changes["crate"])
    served.node.roll_back("2.0.0", **served.changes["tool"])
    assert (version(served.node, "crate"), served.version_of_tool()) == ("1.0.0", "1.0.0")
