# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the eras: a filter, so that it is made on the controller from what hosts said."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.eras.standing import COLUMNS, standings, to_json
from ..module_utils.table import FORMS


def eras_report(found: Mapping[str, Mapping[str, Any]], form: str = "text") -> str:
    """What each server of each host serves, what clients use, and what blocks a migration."""
    entries = standings(found)
    if form == "json":
        return json.dumps(to_json(entries), indent=1) + "\n"
    if form not in FORMS:
        raise AnsibleFilterError(f"{form!r} is no form of a report. Choose one of json, {', '.join(FORMS)}.")
    return FORMS[form](COLUMNS, [entry.row() for entry in entries])


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"eras_report": eras_report}
