# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller fetches over https, from a real server with a certificate of the test's own."""

from __future__ import annotations

import functools
import hashlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.download import download


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; /plain leads to where there is no TLS."""

    def do_GET(self) -> None:
        if self.path.startswith("/plain"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/bundle?token=s3cr3t")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "bundle").write_bytes(b"content" * 1000)
    handler = functools.partial(Handler, directory=str(tmp_path / "site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_is_fetched_is_whole_and_its_hash_is_told(address: str, tmp_path: Path) -> None:
    found = download(f"{address}/bundle?token=x", tmp_path / "it", 20, 2**20)
    assert (tmp_path / "it").read_bytes() == b"content" * 1000
    assert found == hashlib.sha256(b"content" * 1000).hexdigest()


@pytest.mark.parametrize(
    ("path", "why"), [("/plain?token=s3cr3t", "not https"), ("/none?token=s3cr3t", "HTTP Error 404")]
)
def test_a_redirect_to_http_and_what_is_not_there_are_told_without_secrets(
    address: str, tmp_path: Path, path: str, why: str
) -> None:
    with pytest.raises(FleetError, match=why) as caught:
        download(f"{address}{path}", tmp_path / "it", 20, 2**20)
    assert "s3cr3t" not in str(caught.value)


def test_what_is_too_large_is_left(address: str, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="larger than"):
        download(f"{address}/bundle", tmp_path / "it", 20, 100)


def test_a_certificate_that_nobody_trusts_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FleetError, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
        download(f"{address}/bundle", tmp_path / "it", 20, 2**20)
