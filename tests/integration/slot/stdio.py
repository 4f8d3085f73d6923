# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stdio server to put behind a launcher: it answers every line with its version and what it was given."""

from __future__ import annotations

import json
import os
import sys

for line in sys.stdin:
    answer = {"version": sys.argv[1], "more": sys.argv[2:], "said": line.strip(), "pid": os.getpid()}
    answer["environment"] = dict(os.environ)
    print(json.dumps(answer), flush=True)
