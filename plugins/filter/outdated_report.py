# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of what is outdated: a filter over what the module mcp_outdated gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.outdated.standing import COLUMNS, row, with_contract
from ..module_utils.table import FORMS


def outdated_report(
    servers: Sequence[Mapping[str, Any]], form: str = "text", compared: Sequence[Mapping[str, Any]] = ()
) -> str:
    """What runs, what is locked, what is newest, as a table or JSON.

    :param compared: results of M(mcpops.fleet.mcp_update) in check mode, with what they were of as C(item).
    """
    servers = [with_contract(entry, compared) for entry in servers]
    if form == "json":
        return json.dumps(list(servers), indent=1) + "\n"
    if form not in FORMS:
        raise AnsibleFilterError(f"{form!r} is no form of a report. Choose one of json, {', '.join(FORMS)}.")
    return FORMS[form](COLUMNS, [row(entry) for entry in servers])


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"outdated_report": outdated_report}
