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

What the words in a report mean:

- request: one HTTP request, from ``initialize`` to ``DELETE``, the opening of a stream too. Failed: it got
  no good answer (a wrong or missing or incomplete one, an error, a status other than 2xx, a timeout).
- session: a legacy one with an id. Lost: a request in it got 404, or 400 about the session (which is
  a failed request too); or its state, or the id in an answer, was another. Abandoned: its DELETE failed.
- stream: an event stream that was open. Cut: it ended and it was not the client who closed it, a good end
  included. One that could not be opened is a failed request.
- connections.reopened: the server had closed an idle connection before the next request; that is no failure.
- latency_ms: of good answers, to their last byte. timeline.max_ms: of all requests.
- without_service_s: from the start of a request that nobody served (refused, dropped, timed out, 5xx) to the
  end of the first good answer to a request that was sent later.
- lag_ms: how late the load client itself was; ``faults``: its own errors, with which its counts are void.
- sdk: the same for the clients of the official SDK, which are not in the other numbers.
"""

from __future__ import annotations
