# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site of files on loopback, with a certificate of its own where it speaks https; parts of it drip."""

from __future__ import annotations

import functools
import http.server
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

SLOW = {
    "/slow/body": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 600\r\n\r\n",
    "/slow/headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "/broken": b"nothing that HTTP knows\r\n\r\n",
}
"""Paths to what comes there at once. What follows is a byte ten times a second, for a minute."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and SLOW; /plain leads to where there is no TLS."""

    def do_GET(self) -> None:
        begun = next((head for path, head in SLOW.items() if self.path.startswith(path)), None)
        if begun:
            _drip(self.connection, begun)
        elif self.path.startswith("/plain"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/bundle?token=s3cr3t")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _drip(connection: socket.socket, begun: bytes) -> None:
    with suppress(OSError):
        connection.sendall(begun)
        for _drop in range(600):
            time.sleep(0.1)
            connection.sendall(b"x")


@contextmanager
def serving(folder: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """The address of a site of this folder.

    :param certificate: with its key, for https.
    """
    handler = functools.partial(_Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        # Not server_close, which would wait for the threads of what drips.
        server.socket.close()


@contextmanager
def trusted_site(folder: Path, work: Path) -> Iterator[str]:
    """The address of a site that speaks https and whose certificate this process trusts.

    :param work: a folder for that certificate.
    """
    certificate, key = work / "certificate.pem", work / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch, serving(folder, (certificate, key)) as address:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        patch.setenv("no_proxy", "127.0.0.1")
        yield address
