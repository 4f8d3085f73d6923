# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load of MCP clients of both eras that counts every failed request, lost session and cut stream.

Run it from the repository as ``python -m tests.load --help``, or from Python by ``tests.load.control.Load``.

What it holds itself to, so that its numbers can be believed:

- No retry of any kind. A request that gets no good answer is one failed request, whatever the cause.
- One keep-alive connection per client, one more for its event stream; what the server sends back is read
  to its end and checked.
- Whatever happened is counted once: as a request, a session or a stream, each under one reason.
"""

from __future__ import annotations
