# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server to put into a slot: python serve.py PORT [BEHAVIOUR …] [anything else].

It answers every GET with what it was started with, as JSON. ``stubborn``: it ignores SIGTERM. ``child``: it
leaves the listening to a child in the same group. ``stray``: a child in a session of its own listens, and
ignores SIGTERM too; ``bare``: that child has an empty environment. ``polite``: it says that it was asked to
end, and does so a little later with status 0. ``chatty``: it prints its environment.
``crash``: it says so on stderr and ends with 3. ``until FILE``: it does so
until the file is there. ``flood``: it writes without end.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        mask = os.umask(0)
        os.umask(mask)
        facts = {
            "pid": os.getpid(),
            "argv": sys.argv[1:],
            "environment": dict(os.environ),
            "directory": os.getcwd(),
            "umask": mask,
        }
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def listen(port: int) -> None:
    """Answer on the port until the process is ended."""
    http.server.ThreadingHTTPServer(("127.0.0.1", port), _Answer).serve_forever()


def say_goodbye(*_: object) -> None:
    """Do as a server does that finishes what it is at."""
    print("asked to end", flush=True)
    signal.setitimer(signal.ITIMER_REAL, 0.3)


def main() -> None:
    """Behave as the arguments say."""
    port, wishes = int(sys.argv[1]), sys.argv[2:]
    if "chatty" in wishes:
        print(dict(os.environ), flush=True)
    if "crash" in wishes or ("until" in wishes and not os.path.exists(wishes[-1])):
        sys.stderr.write("no licence found\n")
        sys.exit(3)
    if "stubborn" in wishes or "stray" in wishes:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "polite" in wishes:
        signal.signal(signal.SIGTERM, say_goodbye)
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    if ("stray" in wishes or "child" in wishes) and os.fork():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pause()
    if "stray" in wishes:
        os.setsid()
    if "bare" in wishes:
        os.execve(sys.executable, [sys.executable, "-I", "-S", __file__, str(port), "stubborn"], {})
    if "flood" in wishes and not os.fork():
        while True:
            os.write(1, b"to be, or not to be, that is the question\n" * 1000)
    listen(port)


main()
